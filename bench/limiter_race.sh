#!/usr/bin/env bash
# bench/limiter_race.sh [MUSIC]...: how much louder limiters make music, and how clean it stays: Lacquer's characters
# beside x42's dpl (true peak, its best peer). 30 s of each piece are brought to -1 dBTP and driven by 3, 6 and 9 dB into
# a ceiling of -1 dBTP. LU: loudness gained once what came out is trimmed to exactly -1 dBTP. NMR: noise to mask, dB,
# lower is cleaner (bench/noise_to_mask.cpp). Means over all pieces. Needs ffmpeg; dpl is left out where it is missing.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${BUILD:-$root/build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LV2_PATH=${LV2_PATH:-/usr/lib/lv2} LC_ALL=C

music=("$@")
((${#music[@]})) || mapfile -t music < <(find /usr/share -name '*.ogg' -size +1M 2>/dev/null | sort | awk 'NR % 3 == 1' | head -n 6)
((${#music[@]})) || { echo "give some music, or install hyperrogue-music" >&2; exit 1; }

# through GRAPH IN OUT
through() {
  printf 'chain:\n  - %s\nout:\n  out.wav: {bits: float}\n' "$1" >"$work/graph.yaml"
  "$build/lacquer" render "$work/graph.yaml" "$2" -o "$work/out" --force >/dev/null
  mv "$work/out/out.wav" "$3"
}
# loudness above the true peak
headroom() { "$build/lacquer" measure --json "$1" | awk -F'[:,]' '/"integrated_lufs"/ { i = $2 } /"true_peak_dbtp"/ { t = $2 } END { print i - t }'; }
judge() { echo "$(awk -v a="$(headroom "$3")" -v b="$(headroom "$2")" 'BEGIN { print a - b }') $("$build/noise_to_mask" "$2" "$3")" >>"$work/$1"; }

for piece in "${music[@]}"; do
  ffmpeg -nostdin -v error -y -ss 20 -t 30 -i "$piece" -ar 48000 -ac 2 -c:a pcm_f32le "$work/cut.wav"
  peak=$("$build/lacquer" measure --json "$work/cut.wav" | awk -F'[:,]' '/"true_peak_dbtp"/ { print $2 }')
  through "gain: $(awk -v p="$peak" 'BEGIN { print -1 - p }') dB" "$work/cut.wav" "$work/in.wav"
  for drive in 3 6 9; do
    through "gain: $drive dB" "$work/in.wav" "$work/driven.wav"
    for character in transparent punchy aggressive wall; do
      through "limiter: {ceiling: -1 dBTP, character: $character}" "$work/driven.wav" "$work/limited.wav"
      judge "$character.$drive" "$work/in.wav" "$work/limited.wav"
    done
    [[ -x $build/lv2_host ]] || continue
    if "$build/lv2_host" http://gareus.org/oss/lv2/dpl#stereo "$work/in.wav" "$work/limited.wav" truepeak=1 \
      gain="$drive" threshold=-1 release=0.01 >/dev/null 2>"$work/why"; then
      judge "dpl.$drive" "$work/in.wav" "$work/limited.wav"
    else
      echo "(without dpl: $(cat "$work/why"))" >&2
    fi
  done
done
printf '%d pieces%20s%18s%18s\n' "${#music[@]}" '+3 dB: LU   NMR' '+6 dB: LU   NMR' '+9 dB: LU   NMR'
for limiter in transparent punchy aggressive wall dpl; do
  [[ -s $work/$limiter.3 ]] || continue
  printf '%-12s' "$limiter"
  for drive in 3 6 9; do
    awk '{ l += $1; n += $2 } END { printf "   %6.2f %7.2f ", l / NR, n / NR }' "$work/$limiter.$drive"
  done
  echo
done
