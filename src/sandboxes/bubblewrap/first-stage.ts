/**
 * What runs before anything else of a sandbox, in the POSIX shell because it is there and starts in a millisecond. `$1`
 * is the highest descriptor that is ours, `$2` the largest file in blocks of 512 bytes, `$3` how many of the next words
 * are files of groups to join.
 *
 * Node marks what it opens as close-on-exec, but not what our own process inherited, say from the terminal that it was
 * started in: such a file of the host would be open inside. The shell closes descriptors of one digit only, so bash is
 * called for others, which are rare (`--norc`: it takes a socket as stdin for a remote login and would read ~/.bashrc).
 *
 * The machine has one table of open files for all: a process gets 4096 of them, and none dumps its memory anywhere.
 */
const script = `
keep=$1; n=$3; ulimit -f "$2" && ulimit -n 4096 && ulimit -c 0 || exit 125; shift 3
while [ "$n" -gt 0 ]; do echo $$ >"$1" || exit 125; shift; n=$((n-1)); done
for file in /proc/self/fd/*; do
  fd=\${file##*/}
  if [ "$fd" -gt 9 ]; then high=1; elif [ "$fd" -gt "$keep" ]; then eval "exec $fd>&-"; fi
done
[ -z "$high" ] || exec /bin/bash --norc -c '
for file in /proc/self/fd/*; do fd=\${file##*/}; [ "$fd" -le "$0" ] || exec {fd}>&-; done
exec "$@"' "$keep" "$@"
exec "$@"
`;

export interface FirstStage {
  readonly highestFd: number;
  readonly fileBytes: number;
  readonly memberFiles: readonly string[];
}

/**
 * Words before a command: limits the size of files for good, joins the groups, closes every descriptor above
 * `highestFd`, and becomes the command.
 */
export const firstStage = ({ highestFd, fileBytes, memberFiles }: FirstStage): readonly string[] => [
  ...['/bin/sh', '-c', script, 'sh', `${highestFd}`, `${Math.ceil(fileBytes / 512)}`],
  ...[`${memberFiles.length}`, ...memberFiles],
];
