#!/bin/sh
# For the Finder: double-click starts EigenLoRAx Studio.
exec "$(dirname "$0")/start.sh" "$@"
