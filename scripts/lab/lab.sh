#!/bin/bash
# A home with a real router (miniupnpd and nftables), made of network namespaces. Nothing touches
# the host's own network.
#
#  lan  192.168.77.2 --[wire]--\
#                               br-lan 192.168.77.1 [router] wan0 11.77.0.2 --(isp)-- 11.77.0.1 wan
#  lan2 192.168.77.3 ----------/
#
# wan answers STUN on 11.77.0.1:3478 and get-ip on http://11.77.0.1:8080/.
#
#  lab.sh up [k=v..]                 make everything anew and start the router
#  lab.sh down                       remove everything that this lab made
#  lab.sh status | rules             what runs | the forwardings in the router
#  lab.sh check [port] [ip]          echo socket in lan, packet from wan: exit 0 = reachable
#  lab.sh x <lan|lan2|router|wan|isp|wire> cmd...   run a command in there
#  lab.sh router start [k=v..]       start with an empty table; 'restart' keeps the forwardings
#      upnp=no natpmp=no igd1=yes secure=no deny=yes lease=yes extip=IP minlife=120 maxlife=86400
#      deny: permission denied; lease: keeps its table on disk; extip: believes this is its outer
#      address
#  lab.sh router stop                everything off, table empty
#  lab.sh router reboot [secs] [k=v] crash, LAN side down, table lost, wait, back again
#  lab.sh router crash               miniupnpd dies, the forwardings stay
#  lab.sh router flush               forget the forwardings behind miniupnpd's back
#  lab.sh router forward <port[-port]>       forward UDP ports to lan by hand: miniupnpd does not know
#  lab.sh router drop pmp|ssdp|http|off...   silence that service instead of a closed port
#  lab.sh wan public|public2|private|cgnat|doc   WAN address; private, cgnat: behind a second NAT
#  lab.sh wanip <ip>                 another public WAN address in 11.77.0.0/24, in place
#  lab.sh lanip <ip>                 renumber lan in 192.168.77.0/24
#  lab.sh lan down|up                pull, plug lan's cable
#  lab.sh delay <ms> [loss%]         one-way delay and loss on lan's cable; 0 = none
#  lab.sh conflict on|off [port]     lan2 takes, gives back a UDP port
#
# NSP      first part of all namespace names (default lab), so that several labs run side by side
# LAB_RUN  directory for pid files and logs (default ${TMPDIR:-/tmp}/portsitter-$NSP)
# LABTOOL  the built labtool (default: built into LAB_RUN)
set -u
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
NSP=${NSP:-lab}
RUN=${LAB_RUN:-${TMPDIR:-/tmp}/portsitter-$NSP}
TOOL=${LABTOOL:-$RUN/labtool}
PORT=27886
PATH=$PATH:/usr/sbin:/sbin
SPACES="lan lan2 router wan isp wire"

# shellcheck source=scripts/lab/router.sh
. "$HERE/router.sh"

die() { echo "lab.sh: $*" >&2; exit 1; }
ns() { local n=$1; shift; ip netns exec "$NSP-$n" "$@"; }
link() { local n=$1; shift; ip -n "$NSP-$n" link "$@"; }
# addr <namespace> <interface> <address/prefix>...: it has these and no others
addr() {
	local n=$1 dev=$2 a; shift 2
	ip -n "$NSP-$n" addr flush dev "$dev"
	for a in "$@"; do ip -n "$NSP-$n" addr add "$a" dev "$dev"; done
}
alive() { [ -s "$RUN/$1.pid" ] && ours "$(cat "$RUN/$1.pid")"; }
# await <tries of 50 ms> cmd...
await() {
	local i n=$1; shift
	for ((i = 0; i < n; i++)); do "$@" && return 0; sleep .05; done
	return 1
}
# ours <pid>: it lives in a namespace of this lab. A pid file may be older than the process that
# has its number now.
ours() { ip netns identify "$1" 2>/dev/null | grep -qxE "$NSP-(${SPACES// /|})"; }
# bg <name> <namespace> cmd...: in the background, its pid in name.pid
bg() {
	local name=$1 space=$2; shift 2
	setsid ip netns exec "$NSP-$space" "$@" >>"$RUN/$name.log" 2>&1 </dev/null &
	echo $! >"$RUN/$name.pid"
	await 40 ours $! || { alive "$name" || tail -3 "$RUN/$name.log" >&2; die "$name did not start"; }
}
# end <name> [signal]: ends what bg started
end() {
	local f=$RUN/$1.pid p
	[ -s "$f" ] || return 0
	p=$(cat "$f"); rm -f "$f"
	ours "$p" || return 0
	kill -"${2:-TERM}" "$p" 2>/dev/null
	await 40 gone "$p" || kill -KILL "$p" 2>/dev/null
}
# gone <pid>: ended, even if its parent has not taken note (a zombie has no namespace)
gone() { ! ours "$1"; }
listening() { ns "$1" ss -lntuH | grep -qE ":($2) "; }
# cable <namespace> <interface> <namespace> <interface>
cable() {
	link "$1" del "$2" 2>/dev/null; link "$3" del "$4" 2>/dev/null
	ip link add "$2" netns "$NSP-$1" type veth peer name "$4" netns "$NSP-$3"
	link "$1" set "$2" up; link "$3" set "$4" up
}

# wan <kind>: plugs the router's WAN side
wan() {
	local kind=$1 a
	case $kind in
	public) a=11.77.0.2/24;;
	public2) a=11.77.0.22/24;;
	doc) a=203.0.113.2/24;;
	private) a=192.168.1.2/24;;
	cgnat) a=100.64.0.2/10;;
	*) die "wan $kind? public, public2, private, cgnat or doc";;
	esac
	case $kind in private|cgnat) plug_isp;; *) plug_direct;; esac
	addr router wan0 "$a"
	echo "${a%/*}" >"$RUN/wanip"; echo "$kind" >"$RUN/wankind"
	default_route
	forget_flows
}
default_route() {
	local via
	case $(cat "$RUN/wankind") in
	doc) via=203.0.113.1;;
	private) via=192.168.1.1;;
	cgnat) via=100.64.0.1;;
	*) via=11.77.0.1;;
	esac
	ns router ip route replace default via $via
}
plugged() { [ "$(cat "$RUN/plug" 2>/dev/null)" = "$1" ]; }
plug_direct() {
	plugged direct && return
	cable router wan0 wan w0
	addr wan w0 11.77.0.1/24 203.0.113.1/24
	echo direct >"$RUN/plug"
}
plug_isp() {
	plugged isp && return
	cable router wan0 isp in0; cable isp out0 wan w0
	addr wan w0 11.77.0.1/24; addr isp out0 11.77.0.9/24; addr isp in0 192.168.1.1/24 100.64.0.1/10
	ns isp ip route replace default via 11.77.0.1
	ns isp sysctl -qw net.ipv4.ip_forward=1
	ns isp nft -f - <<-N
	flush ruleset
	table ip nat { chain post { type nat hook postrouting priority 100; oifname "out0" masquerade; }; }
	table inet fw { chain f { type filter hook forward priority 0; policy drop; ct state established,related accept; iifname "in0" accept; }; }
	N
	echo isp >"$RUN/plug"
}

up() {
	local n
	[ "$(id -u)" = 0 ] || die "needs root: it makes network namespaces"
	down
	[ -d "$RUN" ] || mkdir -m 700 "$RUN" || exit 1
	[ -O "$RUN" ] || die "$RUN belongs to somebody else: set LAB_RUN"
	[ -x "$TOOL" ] || (cd "$HERE" && CGO_ENABLED=0 go build -o "$TOOL" ./labtool) || die "labtool does not build"
	for n in $SPACES; do
		ip netns add "$NSP-$n" || die "no namespace $NSP-$n: this needs CAP_SYS_ADMIN"
		link "$n" set lo up
		ns "$n" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 2>/dev/null
	done
	link router add br-lan type bridge forward_delay 0 stp_state 0 mcast_snooping 0
	link wire add brw type bridge forward_delay 0 stp_state 0 mcast_snooping 0
	link wire set brw up
	cable lan eth0 wire wa; cable wire wb router p1; cable lan2 eth0 router p2
	# labtool wire copies frames: it needs finished checksums and no frames above the MTU.
	for n in "lan eth0" "wire wa" "wire wb" "router p1"; do
		ns "${n% *}" ethtool -K "${n#* }" tx off gso off tso off gro off >/dev/null 2>&1
	done
	link wire set wa master brw; link wire set wb master brw
	link router set p1 master br-lan; link router set p2 master br-lan
	# Where the kernel has br_netfilter, the router's rules would keep the PCs from each other: a switch does not.
	ns router sysctl -qw net.bridge.bridge-nf-call-iptables=0 2>/dev/null
	addr router br-lan 192.168.77.1/24; link router set br-lan up
	lanip 192.168.77.2
	addr lan2 eth0 192.168.77.3/24; ns lan2 ip route add default via 192.168.77.1
	ns router sysctl -qw net.ipv4.ip_forward=1
	rules_empty
	wan public
	bg stun wan "$TOOL" stun 11.77.0.1:3478
	bg getip wan "$TOOL" getip 11.77.0.1:8080
	upnpd_start "$@"
	for n in 3478 8080; do await 40 listening wan $n || die "nothing listens on 11.77.0.1:$n"; done
}
down() {
	local f n
	for f in "$RUN"/*.pid; do [ -e "$f" ] || continue; f=${f##*/}; end "${f%.pid}"; done
	for n in $SPACES; do ip netns del "$NSP-$n" 2>/dev/null; done
	rm -f "$RUN"/*.pid "$RUN"/*.log "$RUN"/{miniupnpd.conf,miniupnpd.daemon,upnp.leases,plug,wanip,wankind,labtool}
	rmdir "$RUN" 2>/dev/null || true
}
delay() {
	end wire
	if [ "$1" = 0 ] && [ -z "${2:-}" ]; then
		link wire set wa master brw; link wire set wb master brw
		return
	fi
	link wire set wa nomaster; link wire set wb nomaster
	rm -f "$RUN/wire.log"
	bg wire wire "$TOOL" wire wa wb "${1}ms" "${2:-0}"
	await 40 grep -q ready "$RUN/wire.log" || die "no wire: $(tail -1 "$RUN/wire.log")"
}
check() {
	local port=${1:-$PORT} ip=${2:-} rc
	[ -n "$ip" ] || case $(cat "$RUN/wankind") in private|cgnat) ip=11.77.0.9;; *) ip=$(cat "$RUN/wanip");; esac
	bg echo lan "$TOOL" echo ":$port"
	ns wan "$TOOL" probe "$ip:$port" 250ms 4; rc=$?
	end echo
	return $rc
}
wanip() {
	addr router wan0 "$1/24"
	echo "$1" >"$RUN/wanip"; echo public >"$RUN/wankind"
	default_route; forget_flows
}
lanip() {
	addr lan eth0 "$1/24"
	ns lan ip route replace default via 192.168.77.1
}
lan() {
	link lan set eth0 "$1" || return
	[ "$1" != up ] || ns lan ip route replace default via 192.168.77.1
}
conflict() {
	local port=${2:-$PORT}
	case $1 in
	on) ns lan2 natpmpc -a "$port" "$port" udp 3600 | grep -E 'Mapped|fail';;
	off) ns lan2 natpmpc -a 0 "$port" udp 0 >/dev/null;;
	*) die "conflict $1? on or off";;
	esac
}
status() {
	local f n
	ip netns list | grep "^$NSP-"
	for f in "$RUN"/*.pid; do
		[ -e "$f" ] || continue
		n=${f##*/}; n=${n%.pid}
		echo "$n: pid $(cat "$f") $(alive "$n" && echo running || echo dead)"
	done
	echo "wan: $(cat "$RUN/wankind" 2>/dev/null) $(cat "$RUN/wanip" 2>/dev/null)"
}

verb=${1:-help}; [ $# -eq 0 ] || shift
case $verb in
up|down|status|rules|check|router) "$verb" "$@";;
wan|wanip|lanip|lan|delay|conflict) [ $# -gt 0 ] || die "$verb what?"; "$verb" "$@";;
x) ns "$@";;
*) sed -n '2,/^set -u/{/^set/!s/^# \{0,1\}//p}' "$0";;
esac
