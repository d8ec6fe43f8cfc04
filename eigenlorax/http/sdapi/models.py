"""What A1111's clients send and get. The fields are A1111's, its names and its defaults."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Asked(BaseModel):
    """What is sent. Unknown fields are left alone, as in A1111, and null is the default."""

    model_config = ConfigDict(extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: Any) -> Any:
        return {k: v for k, v in given.items() if v is not None} if isinstance(given, dict) else given


class Drawing(Asked):
    """What txt2img and img2img share."""

    prompt: str = Field("", description="`<lora:name:0.8>` puts one of the styles on.")
    negative_prompt: str = ""
    styles: list[str] = Field([], description="Prompt presets, by name: A1111's word for them.")
    seed: int = Field(-1, description="-1 draws a new one.")
    subseed: int = -1
    subseed_strength: float = 0.0
    seed_resize_from_h: int = -1
    seed_resize_from_w: int = -1
    sampler_name: str = Field("", description="One of /samplers; by default the model's own.")
    scheduler: str = Field("", description="One of /schedulers.")
    sampler_index: str = Field("", description="The same as sampler_name, which comes first.")
    batch_size: int = 1
    n_iter: int = Field(1, description="Times batch_size: at most 16 pictures at once.")
    steps: int = 50
    cfg_scale: float = 7.0
    width: int = Field(0, description="Pixels; 0 is the model's own size.")
    height: int = Field(0, description="Pixels; 0 is the model's own size.")
    denoising_strength: float = 0.75
    restore_faces: bool = False
    tiling: bool = False
    s_churn: float = 0.0
    refiner_checkpoint: str = ""
    script_name: str = ""
    script_args: list[Any] = []
    alwayson_scripts: dict[str, Any] = {}
    override_settings: dict[str, Any] = Field({}, description="As of POST /options, for this request.")
    send_images: bool = True
    save_images: bool = Field(False, description="Whether the pictures stay in the gallery too.")


class Txt2Img(Drawing):
    """Pictures from words."""

    enable_hr: bool = False
    hr_scale: float = 2.0
    hr_upscaler: str = "Latent"
    hr_second_pass_steps: int = 0
    hr_resize_x: int = 0
    hr_resize_y: int = 0
    hr_checkpoint_name: str = ""
    hr_sampler_name: str = ""
    hr_scheduler: str = ""
    hr_prompt: str = ""
    hr_negative_prompt: str = ""


class Img2Img(Drawing):
    """Pictures over a picture, all of it or under a mask."""

    init_images: list[str] = Field([], description="One, in base64.")
    resize_mode: int = Field(0, description="0 stretches, 1 crops, 2 fills up at the sides.")
    mask: str = Field("", description="In base64; white is repainted.")
    mask_blur: int = 4
    inpainting_fill: int = Field(0, description="0 fill, 1 original, 2 latent noise.")
    inpaint_full_res: bool = Field(True, description="Of no account: the whole picture is drawn.")
    inpaint_full_res_padding: int = 0
    inpainting_mask_invert: int = 0
    include_init_images: bool = False


class Drawn(BaseModel):
    """Pictures in base64 with their settings inside, what was asked, and A1111's account of it as JSON."""

    images: list[str]
    parameters: dict[str, Any]
    info: str


class PngInfoAsked(Asked):
    """A picture in base64."""

    image: str


class PngInfo(BaseModel):
    """What a picture says: its settings as they stand there, its other texts, and the settings apart."""

    info: str
    items: dict[str, str]
    parameters: dict[str, Any]


class Progress(BaseModel):
    """How far the drawing is."""

    progress: float
    eta_relative: float
    state: dict[str, Any]
    current_image: str | None = None
    textinfo: str | None = None


class Sampler(BaseModel):
    """A sampler."""

    name: str
    aliases: list[str]
    options: dict[str, str]


class Scheduler(BaseModel):
    """A schedule of the steps."""

    name: str
    label: str
    aliases: list[str] | None
    default_rho: float
    need_inner_model: bool


class SDModel(BaseModel):
    """A base model."""

    model_config = ConfigDict(protected_namespaces=())

    title: str
    model_name: str
    hash: str | None
    sha256: str | None
    filename: str
    config: str | None


class Lora(BaseModel):
    """A style, as A1111 lists LoRAs."""

    name: str
    alias: str
    path: str
    metadata: dict[str, Any]


class Upscaler(BaseModel):
    """A way to enlarge."""

    model_config = ConfigDict(protected_namespaces=())

    name: str
    model_name: str | None = None
    model_path: str | None = None
    model_url: str | None = None
    scale: float = 4.0


class Named(BaseModel):
    """A name alone."""

    name: str


class PromptStyle(BaseModel):
    """A prompt preset."""

    name: str
    prompt: str
    negative_prompt: str


class Scripts(BaseModel):
    """Names of scripts."""

    txt2img: list[str]
    img2img: list[str]


class Memory(BaseModel):
    """Bytes of the machine and of its card."""

    ram: dict[str, float]
    cuda: dict[str, Any]


class Options(BaseModel):
    """The settings that there are here."""

    sd_model_checkpoint: str
    sd_vae: Literal["Automatic"]
    samples_format: Literal["png"]
    CLIP_stop_at_last_layers: int
    show_progress_every_n_steps: int


class Flags(BaseModel):
    """How the program was started, as far as a client needs it."""

    api: bool
    listen: bool
    cors_allow_origins: str | None
