#!/bin/sh
# Installs Portsitter as a service, out of an archive that has been downloaded. It fetches nothing.
#
#   sudo ./install.sh                  in the unpacked archive
#   sudo ./install.sh FILE.tar.gz      with SHA256SUMS of the same release beside it
#
# It looks whether the files are as they were made, and then runs `portsitter install`, which
# copies the program to /usr/local/bin. `portsitter uninstall --purge` takes everything away again.
set -eu

say() { echo "install.sh: $*" >&2; exit 1; }

# verified NAME...: the files in this folder are as SHA256SUMS beside them says
verified() {
	[ -r SHA256SUMS ] || say "SHA256SUMS is missing beside $1: download it, too, from where the archive came from"
	for name; do
		line=$(awk -v name="$name" '$2 == name || $2 == "*" name' SHA256SUMS)
		[ -n "$line" ] || say "SHA256SUMS does not speak of $name: it belongs to another release"
		echo "$line" | sha256sum -c - >/dev/null 2>&1 || say "$name is not as it was made: download it again"
	done
}

case ${1-} in
-h | --help)
	sed -n '2,/^set /{/^set/!s/^# \{0,1\}//p}' "$0"
	exit 0
	;;
esac
[ $# -le 1 ] || say "one archive at a time"
[ "$(id -u)" = 0 ] || say "a service is installed by root: put sudo in front"

if [ $# = 1 ]; then
	[ -f "$1" ] || say "there is no file $1"
	cd "$(dirname "$1")"
	file=$(basename "$1")
	verified "$file"
	unpacked=$(mktemp -d)
	trap 'rm -rf "$unpacked"' EXIT
	tar -xzf "$file" -C "$unpacked" --strip-components=1 --no-same-owner
	cd "$unpacked"
else
	cd "$(dirname "$0")"
fi
verified portsitter
./portsitter version || say "this archive is for another kind of computer ($(uname -m)): take the one for yours"
./portsitter install
