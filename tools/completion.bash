# Completes lacquer's commands, options, nodes, graphs and parameters in bash; files where it has nothing to say.
_lacquer() {
  local words word
  # Words as the user sees them: bash cuts at = and :, lacquer does not.
  read -r -a words <<<"${COMP_LINE:0:COMP_POINT}"
  [[ ${COMP_LINE:0:COMP_POINT} == *' ' ]] && words+=('')
  word=${words[-1]}
  mapfile -t COMPREPLY < <("${words[0]}" completion -- "${words[@]:1}" 2>/dev/null)
  [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
  local cut=${word%"${word##*[=:]}"}
  COMPREPLY=("${COMPREPLY[@]#"$cut"}")
}
complete -o default -F _lacquer lacquer
