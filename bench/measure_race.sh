#!/usr/bin/env bash
# bench/measure_race.sh [MUSIC]: `lacquer measure` beside `ffmpeg -af ebur128=peak=true`: whole programs on one core, ten
# minutes of MUSIC as WAV of 16, 24 and 32 bits, as they are and pushed into clipping; and four files on every core
# beside the same four one after another. In turns; medians.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${BUILD:-$root/build} rounds=${ROUNDS:-5}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LC_ALL=C

music=${1:-$(find /usr/share -name '*.ogg' -size +2M 2>/dev/null | sort | head -n 1)}
[[ -n $music ]] || { echo "give a piece of music, or install hyperrogue-music" >&2; exit 1; }
make() { ffmpeg -nostdin -v error -stream_loop 100 -i "$music" -t 600 -ar 48000 -ac 2 "${@:2}" "$work/$1.wav"; }
make 16 -c:a pcm_s16le
make 24 -c:a pcm_s24le
make float -c:a pcm_f32le
make clipped -af volume=9dB -c:a pcm_s16le

# ms OUT COMMAND...: appends what one run takes
ms() {
  local begin=${EPOCHREALTIME/./} out=$1
  "${@:2}" >/dev/null 2>&1 || { echo "failed: ${*:2}" >&2; return 1; }
  echo $(((${EPOCHREALTIME/./} - begin) / 1000)) >>"$work/$out"
}
median() { sort -n "$work/$1" | sed -n "$(((rounds + 1) / 2))p"; }
row() { awk -v n="$1" -v a="$2" -v b="$3" 'BEGIN { printf "%-10s %9d %9d %8.1f\n", n, a, b, b / a }'; }

files=(16 24 float clipped)
all=()
for f in "${files[@]}"; do all+=("$work/$f.wav"); done
for ((r = 0; r < rounds; ++r)); do
  for f in "${files[@]}"; do
    ms "lacquer.$f" taskset -c 0 "$build/lacquer" measure --json "$work/$f.wav"
    ms "ffmpeg.$f" taskset -c 0 ffmpeg -nostdin -nostats -i "$work/$f.wav" -af ebur128=peak=true -f null -
  done
  ms together "$build/lacquer" measure --json "${all[@]}"
  ms single taskset -c 0 "$build/lacquer" measure --json "${all[@]}"
done
printf '%-10s %9s %9s %8s\n' 'ms' lacquer ffmpeg ratio
for f in "${files[@]}"; do row "$f" "$(median "lacquer.$f")" "$(median "ffmpeg.$f")"; done
echo "four files: $(median single) ms on one core, $(median together) ms on $(nproc)"
