# Tab completion of python -m oresort.VERB and oresort-verb; what python completed before, it completes still.
_oresort() {
    local line=${COMP_LINE:0:COMP_POINT} words word program
    read -ra words <<< "$line"
    word=${words[-1]}
    [[ $line == *[[:space:]] ]] && word='' && words+=('')
    if [[ ${words[0]##*/} == oresort-* ]]; then
        program=("${words[0]/#\~/$HOME}")
    elif [[ ${words[1]} == -m && ${words[2]} == oresort* && ${#words[@]} == 3 ]]; then
        COMPREPLY=($(compgen -P oresort. -W 'VERBS' -- "${word#oresort.}"))
        return
    elif [[ ${words[1]} == -m && ${words[2]} == oresort.* ]]; then
        program=("${words[0]/#\~/$HOME}" -m "${words[2]}")
    else
        [[ -n $_oresort_before ]] && "$_oresort_before" "$@"
        return
    fi
    mapfile -t COMPREPLY < <(COMP_LINE=$line COMP_POINT=${#line} "${program[@]}" -sc query=bash 2> /dev/null)
    [[ -z ${COMPREPLY[0]} ]] && COMPREPLY=()
    if [[ ${#COMPREPLY[@]} == 0 && $word == *=* ]]; then # a file, perhaps
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -P "${word%%=*}=" -- "${word#*=}")
    elif [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[=.] ]]; then
        compopt -o nospace
    fi
    if [[ $word == *=* && $COMP_WORDBREAKS == *=* ]]; then # bash replaces what stands behind the sign
        COMPREPLY=("${COMPREPLY[@]#"${word%%=*}="}")
    fi
}
if [[ $(complete -p python 2> /dev/null) =~ -F\ ([^ ]+) && ${BASH_REMATCH[1]} != _oresort ]]; then
    _oresort_before=${BASH_REMATCH[1]}
fi
complete -o default -F _oresort python python3
for _oresort_verb in VERBS; do complete -o default -F _oresort "oresort-${_oresort_verb//_/-}"; done
