"""Word lists behind the rule for the common subjects: a line for each group, names parted by commas."""


def _groups(text: str) -> tuple[tuple[str, ...], ...]:
    """Parse lines of comma-separated names; an indented line goes on with the group above."""
    joined = text.strip().replace("\n  ", " ")
    return tuple(tuple(name.strip() for name in line.split(",")) for line in joined.split("\n"))


#: Subjects that the vendors draw alike or that have no one shape: only one of each group may be taken.
LOOKALIKES: tuple[tuple[str, ...], ...] = _groups(
    """
dog, wolf, poodle
mouse, rat, hamster, chipmunk
cow, ox, water buffalo
pig, boar
goat, ram, ewe
tiger, leopard
horse, horse racing, carousel horse
chicken, rooster, turkey
baby chick, hatching chick, bird
whale, spouting whale, dolphin, shark
fish, tropical fish, blowfish
bug, ant, honeybee, lady beetle, scorpion
rose, tulip, hibiscus, blossom, cherry blossom, white flower, sunflower, rosette
seedling, herb, sheaf of rice
shamrock, four leaf clover
maple leaf, fallen leaf, leaf fluttering in wind
evergreen tree, christmas tree, tanabata tree, pine decoration
tangerine, lemon, peach, melon, tomato
red apple, green apple
soft ice cream, ice cream, shaved ice
steaming bowl, cooked rice, curry rice, pot of food, spaghetti, rice cracker, bento box
dango, oden, fish cake with swirl, roasted sweet potato
wine glass, cocktail glass, tropical drink, glass of milk, tumbler glass
hot beverage, teacup without handle, sake
beer mug, clinking beer mugs
fork and knife, fork and knife with plate
castle, japanese castle, classical building, stadium, place of worship
house, houses, derelict house, building construction
office building, hospital, bank, hotel, love hotel, school, post office, factory, department store,
  convenience store, cityscape, wedding, church, mosque, synagogue
mountain, volcano, snow-capped mountain, mount fuji, national park
desert island, beach with umbrella, desert, camping
sunrise, sunset, sunrise over mountains, night with stars, bridge at night, foggy, milky way
train, tram, metro, station, light rail, locomotive, railway car, monorail, bullet train
bus, trolleybus, minibus, ambulance, delivery truck, articulated lorry, fire engine
automobile, taxi, police car, sport utility vehicle, racing car
motorcycle, motor scooter
construction, stop sign, bus stop
ship, ferry, passenger ship, motor boat, speedboat
suspension railway, mountain cableway, aerial tramway, mountain railway
full moon, new moon, crescent moon
star, glowing star, shooting star, sparkles, sun, comet
fog, tornado, cyclone, water wave, wind face
cloud, cloud with rain, sun behind cloud
circus tent, tent
handbag, purse, clutch bag, shopping bags, briefcase, luggage
running shoe, man's shoe
high-heeled shoe, woman's sandal, woman's boot
t-shirt, running shirt, woman's clothes, kimono
glasses, sunglasses, goggles
laptop, desktop computer, television, framed picture
mobile phone, pager
telephone, fax machine, telephone receiver
optical disk, dvd
floppy disk, computer disk
camera, movie camera, video camera, film projector
notebook, closed book, green book, ledger, notebook with decorative cover, books
page facing up, page with curl, bookmark tabs, newspaper, memo, receipt, scroll, clipboard, spiral notepad,
  card index dividers, label, rolled-up newspaper
dollar banknote, money with wings, credit card, identification card
chart increasing, chart decreasing, bar chart
envelope, e-mail, love letter, inbox tray, outbox tray, incoming envelope
pencil, pen, fountain pen, black nib, paintbrush, crayon
calendar, tear-off calendar, spiral calendar
file folder, open file folder, card file box, file cabinet
pushpin, round pushpin
locked, unlocked
key, old key
kitchen knife, dagger, crossed swords
hammer, pick, axe
guitar, violin, banjo
soccer ball, volleyball, baseball, softball
american football, rugby football
tennis, badminton, ping pong
field hockey, ice hockey, cricket game
microphone, studio microphone
musical note, musical notes, musical score
battery, low battery
alarm clock, watch, stopwatch, timer clock, mantelpiece clock
hourglass done, hourglass not done
top hat, woman's hat, billed cap
bed, couch and lamp
ring, gem stone, prayer beads
"""
)

#: Not one thing with one shape: some vendors draw a sign, a scene, a person or a word.
NO_SHAPE: tuple[str, ...] = _groups(
    """
hot springs, ski, goal net, link, chains, film frames, level slider, control knobs, elevator, hole,
  construction, wheel, railway track, motorway, oil drum, seat, fuel pump, children crossing, placard,
  funeral urn, martial arts uniform, window, coin, label, trackball, videocassette, shower, skis, diving
  mask, linked paperclips, barber pole, brick, rock, wood, tokyo tower, statue of liberty, shinto shrine,
  kaaba, hindu temple, airplane departure, airplane arrival, oncoming bus, oncoming taxi, oncoming
  automobile, oncoming police car, meat on bone, chestnut, honey pot, custard, love hotel, snowman without
  snow, no entry, police car light, bacon, ballot box with ballot, pound banknote, mountain railway,
  bookmark, oden, sunset
"""
)[0]

#: Good subjects of subgroups that are otherwise left out.
KEPT: tuple[str, ...] = _groups(
    """
alarm clock, hourglass done, christmas tree, balloon, wrapped gift, jack-o-lantern, trophy, bell,
  bullseye, game die, artist palette, video game, crystal ball, ticket, sports medal
"""
)[0]

#: Groups that hold things and animals, and their subgroups that mostly hold scenes, dials and signs.
GROUPS: tuple[str, ...] = ("Animals & Nature", "Food & Drink", "Travel & Places", "Activities", "Objects")
SUBGROUPS_OUT: tuple[str, ...] = (
    "place-map", "time", "arts-crafts", "game", "event", "award-medal", "sound",
)  # fmt: skip
