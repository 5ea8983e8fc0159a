# Tab completion of python -m oresort.VERB and oresort-verb, for zsh; what python completed before, it completes still.
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
_oresort() {
    local -a program found
    if [[ ${words[1]:t} == oresort-* ]]; then
        program=("${words[1]/#\~/$HOME}")
    elif [[ ${words[2]} == -m ]] && (( CURRENT == 3 )); then
        compadd -- oresort.{VERB_LIST} && return
    elif [[ ${words[2]} == -m && ${words[3]} == oresort.* ]]; then
        program=("${words[1]/#\~/$HOME}" -m "${words[3]}")
    fi
    if (( ! $#program )); then
        $_oresort_before "$@"
        return
    fi
    found=(${(f)"$(COMP_LINE="${(j: :)words[1,CURRENT-1]} ${(Q)PREFIX}" $program -sc query=zsh 2> /dev/null)"})
    if (( ! $#found )); then # a file, perhaps
        compset -P '*='
        _files
        return
    fi
    compadd -S '' -- ${(M)found:#*[=.]}
    compadd -- ${found:#*[=.]}
}
if [[ ${_comps[python]} != _oresort ]]; then # zsh's own is called by a pattern of names
    _oresort_before=${_comps[python]:-${${functions[_python]:+_python}:-_default}}
fi
compdef _oresort python python3 oresort-{VERB_DASHED}
