# Tab completion of python -m oresort.VERB and oresort-verb, for fish; what python completed before, it completes still.
function __oresort_finds # what the word under the cursor may become, into a variable; false if there is nothing
    set -g __oresort_found
    set -l words (commandline -opc)
    set -l last (string replace -r '^[\'"]' '' -- (commandline -ct))
    set -l program (string replace -r '^~' $HOME -- $words[1])
    if test (count $words) = 2 -a "$words[2]" = -m
        set __oresort_found oresort.{VERB_LIST}
        string match -q -- "$last*" $__oresort_found
        return
    else if test (count $words) -ge 3; and test "$words[2]" = -m; and string match -q 'oresort.*' -- $words[3]
        set program $program -m $words[3]
    else if not string match -q 'oresort-*' -- (basename -- $words[1])
        return 1
    end
    set __oresort_found (COMP_LINE="$words $last" $program -sc query=fish 2> /dev/null | string match -v '')
    test (count $__oresort_found) -gt 0 # else files
end
for program in python python3 oresort-{VERB_DASHED}
    complete -c $program -n __oresort_finds -f -a '$__oresort_found'
end
