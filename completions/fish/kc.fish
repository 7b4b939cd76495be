# kc-*: asks the command. Installed under the name of each.
set -l cmd (string replace -r '.*/(.*)\.fish$' '$1' (status filename))
set -l prefix "string replace -r '^([^-\t].*\.)\*\t[^\t]*\t' '\$1\t'"
set -l property "string replace -r '^([^-\t][^\t]*)\t[A-Z]+\t' '\$1=\t'"
set -l option "string replace -r '^(-.)\t[^\t]*\t' '\$1\t'"
complete -c $cmd -a "($cmd --kc-options 2>/dev/null | $prefix | $property | $option)"
