# shellcheck shell=bash disable=SC2154
# The router of the lab: nftables rules and miniupnpd. Read by lab.sh.

rules_empty() {
	ns router nft -f - <<-N
	flush ruleset
	table inet filter {
		chain miniupnpd { }
		chain prerouting_miniupnpd { }
		chain postrouting_miniupnpd { }
		chain input { type filter hook input priority 0; policy accept;
			iifname "wan0" ct state new ip protocol != icmp drop
		}
		chain forward { type filter hook forward priority 0; policy drop;
			ct state established,related accept
			iifname "br-lan" oifname "wan0" accept
			jump miniupnpd
		}
		chain prerouting { type nat hook prerouting priority -100; policy accept; jump prerouting_miniupnpd; }
		chain postrouting { type nat hook postrouting priority 100; policy accept;
			jump postrouting_miniupnpd
			oifname "wan0" masquerade
		}
	}
	N
}
forget_flows() { ns router conntrack -F >/dev/null 2>&1 || true; }

# upnpd_start [k=v..]: writes miniupnpd.conf, starts miniupnpd, returns when its sockets are bound
upnpd_start() {
	local upnp=yes natpmp=yes igd1=no secure=yes extip='' lease=no deny=no minlife=120 maxlife=86400 kv
	for kv in "$@"; do
		case $kv in
		upnp=*|natpmp=*|igd1=*|secure=*|extip=*|lease=*|deny=*|minlife=*|maxlife=*) local "${kv?}";;
		*) die "router option $kv?";;
		esac
	done
	end miniupnpd
	{
		cat <<-C
		ext_ifname=wan0
		listening_ip=br-lan
		http_port=5000
		ipv6_disable=yes
		enable_upnp=$upnp
		enable_natpmp=$natpmp
		force_igd_desc_v1=$igd1
		secure_mode=$secure
		min_lifetime=$minlife
		max_lifetime=$maxlife
		system_uptime=no
		notify_interval=60
		uuid=2fc74fd5-47c0-4ce3-aa31-9201a45776b7
		C
		[ -z "$extip" ] || echo "ext_ip=$extip"
		[ "$lease" = no ] || echo "lease_file=$RUN/upnp.leases"
		[ "$deny" = yes ] || echo "allow 1024-65535 192.168.77.0/24 1024-65535"
		echo "deny 0-65535 0.0.0.0/0 0-65535"
	} >"$RUN/miniupnpd.conf"
	# Without -d it becomes a daemon of its own and keeps silent: -d costs 4 to 11 ms a request.
	rm -f "$RUN/miniupnpd.daemon"
	ns router miniupnpd -f "$RUN/miniupnpd.conf" -P "$RUN/miniupnpd.daemon" </dev/null >>"$RUN/miniupnpd.log" 2>&1
	await 40 [ -s "$RUN/miniupnpd.daemon" ]
	cat "$RUN/miniupnpd.daemon" >"$RUN/miniupnpd.pid"
	await 60 listening router '5351|1900'
	alive miniupnpd || die "miniupnpd did not stay up: $(tail -2 "$RUN/miniupnpd.log")"
}
# drop <service>...: what LAN hosts send there vanishes, without an ICMP answer
drop() {
	local s rules=
	ns router nft "table inet lab; delete table inet lab"
	for s in "$@"; do
		case $s in
		pmp) rules+=" udp dport 5351 drop;";;
		ssdp) rules+=" udp dport 1900 drop;";;
		http) rules+=" tcp dport 5000 drop;";;
		off) ;;
		*) die "drop $s? pmp, ssdp, http or off";;
		esac
	done
	[ -z "$rules" ] || ns router nft "table inet lab { chain i { type filter hook input priority -5; $rules }; }"
}
# forward <port[-port]>: as in the router's own menu, so in chains of its own
forward() {
	ns router nft -f - <<-N
	table inet byhand { chain prerouting { type nat hook prerouting priority -101; iifname "wan0" udp dport $1 dnat ip to 192.168.77.2; }; }
	add rule inet filter forward iifname "wan0" ct status dnat accept
	N
}
reboot() {
	local secs=2
	case ${1:-} in [0-9]*) secs=$1; shift;; esac
	end miniupnpd KILL
	link router set br-lan down
	ns router nft flush ruleset; forget_flows
	sleep "$secs"
	rules_empty
	link router set br-lan up
	default_route
	upnpd_start "$@"
}
router() {
	local verb=${1:-}; shift
	case $verb in
	start) end miniupnpd; rules_empty; upnpd_start "$@";;
	restart) upnpd_start "$@";;
	stop) end miniupnpd; rules_empty;;
	reboot) reboot "$@";;
	crash) end miniupnpd KILL;;
	flush) for c in miniupnpd prerouting_miniupnpd postrouting_miniupnpd; do ns router nft flush chain inet filter $c; done; forget_flows;;
	forward) [ $# -gt 0 ] || die "forward which port?"; forward "$1";;
	drop) drop "$@";;
	*) die "router ${verb:-what}? start, restart, stop, reboot, crash, flush, forward or drop";;
	esac
}
# rules: one line "external port -> internal address:port" for each forwarding
rules() { ns router nft list chain inet filter prerouting_miniupnpd | sed -nE 's/.*dport ([0-9]+) dnat (ip )?to (.*)/\1 -> \3/p'; }
