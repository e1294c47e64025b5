#!/usr/bin/env bash
# bench/race.sh [MUSIC]: Lacquer beside what Debian has, on the same file and one core: ns per stereo frame.
#
# Programs (lacquer, ffmpeg, sox) run whole, in turns, and what they take to pass the file on unchanged is subtracted;
# plug-ins run in bench/lv2_host.cpp, in the same turns, set to much the same. Medians. Peers:
#   apt-get install ffmpeg sox lsp-plugins-lv2 x42-plugins calf-plugins liblilv-dev
# Those that are missing are named and left out.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${BUILD:-$root/build} rounds=${ROUNDS:-5}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LV2_PATH=${LV2_PATH:-/usr/lib/lv2} LC_ALL=C

music=${1:-$(find /usr/share -name '*.ogg' -size +2M 2>/dev/null | sort | head -n 1)}
[[ -n $music ]] || { echo "give a piece of music, or install hyperrogue-music" >&2; exit 1; }
ffmpeg -v error -stream_loop 20 -i "$music" -t 120 -ar 48000 -ac 2 -c:a pcm_f32le "$work/in.wav"
frames=$((120 * 48000))

has() { command -v "$1" >/dev/null || { echo "(without $1: not installed)" >&2; return 1; }; }
# nanoseconds COMMAND...: of the processor, in one run; the disk is not in the race
nanoseconds() {
  local TIMEFORMAT='%3U %3S' spent
  spent=$({ time taskset -c 0 "$@" >/dev/null 2>&1; } 2>&1) || { echo "failed: $*" >&2; return 1; }
  awk '{ printf "%.0f\n", ($1 + $2) * 1e9 }' <<<"$spent"
}
graph() { printf 'chain:\n%s\nout:\n  out.wav: {bits: float}\n' "$2" >"$work/$1.yaml"; }
run_lacquer() { nanoseconds "$build/lacquer" render "$work/$1.yaml" "$work/in.wav" -o "$work/out" --threads 1 --force; }
run_ffmpeg() { nanoseconds ffmpeg -nostdin -v error -y -threads 1 -filter_threads 1 -i "$work/in.wav" -af "$1" -c:a pcm_f32le "$work/f.wav"; }
run_sox() { nanoseconds sox "$work/in.wav" -e floating-point -b 32 "$work/s.wav" $1; }

declare -A lacquer=() ffmpeg=() sox=() lv2=()
bells_y='' bells_f='' bells_s='' bells_l=''
i=0
for f in 60 150 400 1000 2500 5000 9000 14000; do
  g=$((i % 2 ? 2 : -2))
  bells_y+="      - bell: {freq: $f Hz, gain: $g dB, q: 1}"$'\n'
  bells_f+="${bells_f:+,}equalizer=f=$f:t=q:w=1:g=$g"
  bells_s+=" equalizer $f 1q $g"
  bells_l+=" ft_$i=1 f_$i=$f q_$i=1 g_$i=$([[ $g == 2 ]] && echo 1.26 || echo 0.79)"
  i=$((i + 1))
done
lacquer[nothing]='  - gain: 0 dB' ffmpeg[nothing]=anull sox[nothing]=' '
lacquer[eq]=$'  - eq:\n'"$bells_y" ffmpeg[eq]=$bells_f sox[eq]=$bells_s
lv2[eq]="http://lsp-plug.in/plugins/lv2/para_equalizer_x16_stereo$bells_l"
lacquer[compressor]='  - compressor: {threshold: -24 dB, ratio: 2:1, attack: 20 ms, release: 200 ms}'
ffmpeg[compressor]=acompressor=threshold=0.063:ratio=2:attack=20:release=200
lv2[compressor]='http://gareus.org/oss/lv2/darc#stereo threshold=-24 Ratio=0.5 attack=0.02 release=0.2
http://lsp-plug.in/plugins/lv2/compressor_stereo al=0.063 cr=2 at=20 rt=200'
lacquer[saturate]='  - saturate: 6 dB' ffmpeg[saturate]=asoftclip=type=tanh:oversample=8
lv2[saturate]='http://calf.sourceforge.net/plugins/Saturator'
lacquer[limiter]=$'  - gain: 6 dB\n  - limiter: -1 dBTP'
ffmpeg[limiter]=volume=6dB,aresample=192000,alimiter=limit=0.891:level=0,aresample=48000
lv2[limiter]='http://gareus.org/oss/lv2/dpl#stereo truepeak=1 gain=6
http://lsp-plug.in/plugins/lv2/limiter_stereo g_in=2 th=0.891 boost=0 ovs=8'
lacquer[multiband]='  - multiband:
      - band: {to: 120 Hz, ratio: 2:1}
      - band: {to: 1 kHz, ratio: 2:1}
      - band: {to: 6 kHz, ratio: 2:1}
      - band: {ratio: 2:1}'
ffmpeg[multiband]='mcompand=0.015\,0.15 6 -47/-40\,-34/-34\,-17/-33 120|0.015\,0.15 6 -47/-40\,-34/-34\,-17/-33 1000|0.015\,0.15 6 -47/-40\,-34/-34\,-17/-33 6000|0.015\,0.15 6 -47/-40\,-34/-34\,-17/-33 20000'
lv2[multiband]='http://lsp-plug.in/plugins/lv2/mb_compressor_stereo cr_0=2 cr_2=2 cr_4=2 cr_6=2
http://calf.sourceforge.net/plugins/MultibandCompressor ratio0=2 ratio1=2 ratio2=2 ratio3=2'
four_y=$(head -n 4 <<<"$bells_y") four_f=$(cut -d, -f1-4 <<<"$bells_f")
lacquer[chain]=$'  - eq:\n'"$four_y"$'\n'"${lacquer[compressor]}"$'\n'"${lacquer[saturate]}"$'\n  - eq more:\n'"$four_y"$'\n'"${lacquer[limiter]}"
ffmpeg[chain]="$four_f,${ffmpeg[compressor]},${ffmpeg[saturate]},$four_f,${ffmpeg[limiter]}"

names=(nothing eq compressor saturate limiter multiband chain)
for name in "${names[@]}"; do graph "$name" "${lacquer[$name]}"; done
programs=(lacquer)
has ffmpeg && programs+=(ffmpeg)
has sox && programs+=(sox)
for ((r = 0; r < rounds; ++r)); do
  for name in "${names[@]}"; do
    for program in "${programs[@]}"; do
      declare -n what=$program
      [[ -n ${what[$name]:-} ]] || continue
      if [[ $program == lacquer ]]; then run_lacquer "$name"; else "run_$program" "${what[$name]}"; fi >>"$work/$program.$name"
    done
    [[ -x $build/lv2_host && -n ${lv2[$name]:-} ]] || continue
    number=0
    while read -r uri settings; do
      # shellcheck disable=SC2086
      taskset -c 0 "$build/lv2_host" "$uri" "$work/in.wav" - $settings >>"$work/lv2.$name.$number" 2>"$work/why" || ((r)) ||
        echo "(without $uri: $(cat "$work/why"))" >&2
      number=$((number + 1))
    done <<<"${lv2[$name]}"
  done
done
median() { sort -n "$1" | sed -n "$(((rounds + 1) / 2))p"; }

printf '%-12s %-24s %10s %10s\n' node program ns/frame 'x Lacquer'
for name in "${names[@]:1}"; do
  own=''
  line() {
    [[ -n $own ]] || own=$2
    awk -v n="$name" -v p="$1" -v v="$2" -v o="$own" 'BEGIN { printf "%-12s %-24s %10.1f %10.1f\n", n, p, v, v / o }'
  }
  for program in "${programs[@]}"; do
    [[ -s $work/$program.$name ]] || continue
    line "$program" "$(awk -v a="$(median "$work/$program.$name")" -v b="$(median "$work/$program.nothing")" -v f=$frames \
      'BEGIN { printf "%.2f", (a - b) / f }')"
  done
  number=0
  while read -r uri settings; do
    if [[ -s $work/lv2.$name.$number ]]; then
      line "$(sed 's#.*/lv2/##; s#.*/plugins/#calf #' <<<"$uri")" "$(median "$work/lv2.$name.$number")"
    fi
    number=$((number + 1))
  done <<<"${lv2[$name]:-}"
done
[[ -x $build/lv2_host ]] || echo "(without LV2 plug-ins: build the benches with liblilv-dev)" >&2
