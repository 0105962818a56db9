/** `conductor completion`: the scripts with which a shell asks conductor what can be typed next. */

import { print } from '../../output.js';

/**
 * What is asked prints `words` or (file names will do as well) `files`, then a candidate a line: the word, a tab, what it
 * is about. No candidate is
 * ever read as code: names in a repository are anybody's.
 */
const SCRIPTS = {
  bash: `# Completion of conductor for bash: eval "$(conductor completion bash)"
_conductor() {
  local line word kind=
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ -z $kind ]]; then kind=$line; continue; fi
    printf -v word '%q' "\${line%%$'\\t'*}"
    COMPREPLY+=("$word")
  done < <("$1" complete bash -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  if [[ $kind == files ]]; then compopt -o default 2>/dev/null; fi
}
complete -o nosort -F _conductor conductor 2>/dev/null || complete -F _conductor conductor
`,
  zsh: `#compdef conductor
# Completion of conductor for zsh: eval "$(conductor completion zsh)" after compinit, or as _conductor in $fpath.
_conductor() {
  local line
  local -a lines values shown
  lines=("\${(@f)$("\${(Q)words[1]}" complete zsh -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  [[ \${lines[1]} == files ]] && _files
  for line in "\${(@)lines[2,-1]}"; do
    values+=("\${line%%$'\\t'*}")
    if [[ $line == *$'\\t'?* ]]; then shown+=("\${values[-1]}  -- \${line#*$'\\t'}"); else shown+=("\${values[-1]}"); fi
  done
  (( \${#values} )) && compadd -V conductor -l -d shown -- "\${values[@]}"
}
if [[ \${funcstack[1]} == _conductor ]]; then _conductor "$@"; else compdef _conductor conductor; fi
`,
  fish: `# Completion of conductor for fish: conductor completion fish > ~/.config/fish/completions/conductor.fish
function __conductor_complete
    set -l words (commandline -opc)
    set -l program $words[1]
    set -e words[1]
    set -l typed (commandline -ct)
    set -l lines ($program complete fish -- $words "$typed" 2>/dev/null)
    if test "$lines[1]" = files
        __fish_complete_path "$typed"
    end
    set -e lines[1]
    printf '%s\\n' $lines
end
complete -c conductor -f -k -a '(__conductor_complete)'
`,
} as const;

export function runCompletion(shell: keyof typeof SCRIPTS): number {
  print(SCRIPTS[shell]);
  return 0;
}
