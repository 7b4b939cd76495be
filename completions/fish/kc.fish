# kc-*: asks the command. Installed under the name of each.
set -l cmd (string replace -r '.*/(.*)\.fish$' '$1' (status filename))
complete -c $cmd -a "($cmd --kc-options 2>/dev/null | string replace -r '^([^-\t][^\t]*?)\*?\t[^\t]*\t' '\$1=\t' | string replace -r '^(-.)\t[^\t]*\t' '\$1\t')"
