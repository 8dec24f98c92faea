package daemon

import (
	"fmt"
	"time"
)

// Code names a diagnosis. The codes are part of the contract: the README explains each one.
type Code string

// The closed list of diagnoses.
const (
	CodeReachable     Code = "reachable"
	CodeReady         Code = "ready"
	OtherExternalPort Code = "other-external-port"
	OwnOldEntry       Code = "own-old-entry"

	NoNetwork      Code = "no-network"
	VPNInTheWay    Code = "vpn-in-the-way"
	PublicNetwork  Code = "public-network"
	NoRouterAnswer Code = "no-router-answer"

	DoubleNAT            Code = "double-nat"
	CarrierNAT           Code = "carrier-nat"
	PublicAddressDiffers Code = "public-address-differs"
	AddressUnknown       Code = "address-unknown"
	NoInternet           Code = "no-internet"

	MappingRefused    Code = "mapping-refused"
	PortTaken         Code = "port-taken"
	NotKept           Code = "not-kept"
	WrongLocalAddress Code = "wrong-local-address"

	FirewallBlocks   Code = "firewall-blocks"
	HostingElsewhere Code = "hosting-elsewhere"

	NotForwarding Code = "not-forwarding"
	HostBusy      Code = "host-busy"
	HostStuck     Code = "host-stuck"
	NobodyAnswers Code = "nobody-answers"
	CheckerDown   Code = "checker-down"

	Starting Code = "starting"
	Stopped  Code = "stopped"
)

// Open reports whether a port with this diagnosis is open, for all that is known.
func (c Code) Open() bool {
	switch c {
	case CodeReachable, CodeReady, OtherExternalPort, OwnOldEntry, CheckerDown:
		return true
	}
	return false
}

// Diagnosis is the answer for one port: what it comes to, in one sentence, and the one thing to do.
type Diagnosis struct {
	Code     Code
	Verdict  Verdict
	Headline string
	NextStep string // "" when there is nothing to do
}

// clues are the values that the sentences name. Empty ones are left out of the sentence.
type clues struct {
	port         uint16
	transport    string
	address      string // what an opponent types
	gateway      string
	local        string
	outer        string    // the router's own outer address
	public       string    // the address the internet sees
	holder       string    // LAN address that holds the port
	leftBehind   bool      // an entry of ours may still be in the router
	leftForGood  bool      // and no lease ends it
	full         bool      // the router has no room for another entry
	perhapsFull  bool      // it says 402 whatever it is asked for: so do routers that have no room
	takenOut     bool      // there was one, and the router has confirmed that it is gone
	noOuter      bool      // the refusal is one that routers give when their outer side is not public
	game         string    // a known emulator that hosts on another port
	elsewhere    uint16    // that port
	why          string    // what became of the last check
	hop          string    // the second router's address
	asksUpstream bool      // and it may be asked for the port
	lostWhy      string    // why a mapping that was there is not there any more
	external     uint16    // the external port in use, where it is not the configured one
	oldEnds      time.Time // when the lease of our own old entry ends; zero: it has none that ends
	proven       bool      // a check from outside has passed
	cameIn       bool      // the last one did not, though its packets did come in
	internal     uint16    // the port on this PC
	firewall     string    // the name of this PC's firewall
	opening      string    // what opens it
}

// diagnose says in words what a code means for one port.
func diagnose(code Code, c clues) Diagnosis {
	d := Diagnosis{Code: code, Verdict: NotReady}
	switch code {
	case CodeReachable:
		d.Verdict = Reachable
		d.Headline = "You can host: " + c.address + " was reached from outside"
	case OtherExternalPort, OwnOldEntry:
		d.Verdict = Ready
		if c.proven {
			d.Verdict = Reachable
		}
		d.Headline = fmt.Sprintf("You can host: tell your opponent %s, with the port", c.address)
		d.NextStep = displacedWords(code, c)
	case CheckerDown:
		d.Verdict = Ready
		d.Headline = "You can host, as far as can be seen from here: tell your opponent " + c.address
		d.NextStep = "The check from outside could not be made: " + c.why + ". Try it again later."
	case CodeReady:
		d.Verdict = Ready
		d.Headline = "You can host: tell your opponent " + c.address
	case Starting:
		d.Verdict = Unknown
		d.Headline = fmt.Sprintf("Opening port %d on your router…", c.port)
		if c.lostWhy != "" {
			d.Headline = fmt.Sprintf("%s; opening port %d again…", c.lostWhy, c.port)
		}
	case Stopped:
		d.Verdict = Unknown
		d.Headline = "Portsitter has stopped"
		if c.takenOut {
			d.Headline += " and has taken its entry out of the router"
		}
		d.NextStep = "Start Portsitter again before you host."
		if c.leftBehind {
			d.Headline = "Portsitter has stopped; the router has not confirmed that its entry is gone"
			if !c.leftForGood {
				d.Headline += ", and it ends with its lease"
			} else {
				d.NextStep += " The entry stays in the router until then, or until you delete it there: it has no lease that ends."
			}
		}
	case AddressUnknown:
		d.Verdict = Unknown
		d.Headline = fmt.Sprintf("Port %d is open on your router, but nobody tells your public address", c.port)
		d.NextStep = "Look up your address on a “what is my IP” page and give your opponent that address."
	case NoNetwork, VPNInTheWay, PublicNetwork, NoRouterAnswer:
		d.Headline, d.NextStep = networkWords(code, c)
	case DoubleNAT, CarrierNAT, PublicAddressDiffers, NoInternet:
		d.Headline, d.NextStep = internetWords(code, c)
	case MappingRefused, PortTaken, NotKept, WrongLocalAddress:
		d.Headline, d.NextStep = mappingWords(code, c)
	case FirewallBlocks:
		d.Headline, d.NextStep = firewallWords(c)
	default:
		d.Headline, d.NextStep = outsideWords(code, c)
	}
	return d
}

func networkWords(code Code, c clues) (headline, next string) {
	switch code {
	case VPNInTheWay:
		return "A VPN is the only way out of this PC, so your home router cannot be asked",
			"Disconnect the VPN, or exclude your home network from it."
	case PublicNetwork:
		return "Windows calls this network Public, so Portsitter opens nothing on it",
			"If this is your home, set the network to Private in the Windows settings (Network & internet, properties of the connection); or set public_profile = true in [network] of Portsitter's settings."
	case NoRouterAnswer:
		return fmt.Sprintf("Your router (%s) does not answer when it is asked to open port %d", c.gateway, c.port),
			fmt.Sprintf("Log in to the router at http://%s and switch on UPnP (or NAT-PMP / PCP); or forward %s port %d to %s there by hand.",
				c.gateway, upper(c.transport), c.port, c.local)
	}
	return "This PC is not connected to a home network",
		"Plug in the network cable or join your Wi-Fi."
}

// waysOut is said where no setting at home can help.
const waysOut = "let the other player host, both start Autopunch P2P, or meet on a Kaillera server"

func internetWords(code Code, c clues) (headline, next string) {
	switch code {
	case NoInternet:
		return fmt.Sprintf("Your router (%s) has lost its connection to the internet", c.gateway),
			"Portsitter sees by itself when it is back. If it stays away, look at the cable between router and wall, restart the modem or router, or ask your provider."
	case DoubleNAT:
		at, ask := "the outer router", ""
		if c.hop != "" {
			at = "http://" + c.hop
			if !c.asksUpstream {
				ask = " If it is yours, Portsitter can try that itself: upstream = true in [router] of the settings."
			}
		}
		return "There is a second router in front of yours, and it lets nobody in",
			fmt.Sprintf("Log in at %s and forward %s port %d to %s, or set that router to bridge mode.%s If you cannot: %s.",
				at, upper(c.transport), c.port, c.outer, ask, waysOut)
	case CarrierNAT:
		return "Your provider shares one public address among many homes, so nobody can reach you from outside",
			"No setting at home can change that (it is called carrier NAT, or CGNAT). Ask your provider for a public IPv4 address; until then " + waysOut + "."
	}
	return fmt.Sprintf("The internet sees you as %s, but your router says %s", c.public, c.outer),
		"Disconnect any VPN or proxy on this PC. If there is none, a second router is in front of yours: forward the port there, too."
}

func mappingWords(code Code, c clues) (headline, next string) {
	switch code {
	case PortTaken:
		holder := "another device"
		if c.holder != "" {
			holder = c.holder
		}
		return fmt.Sprintf("Port %d on your router is already forwarded to %s, not to this PC", c.port, holder),
			fmt.Sprintf("Close the game or Portsitter on %s, or delete that forward in the router at http://%s.", holder, c.gateway)
	case NotKept:
		return fmt.Sprintf("Your router says yes to port %d, but does not keep the entry", c.port),
			fmt.Sprintf("Restart the router. If that does not help, log in at http://%s and forward %s port %d to %s by hand.",
				c.gateway, upper(c.transport), c.port, c.local)
	case WrongLocalAddress:
		return fmt.Sprintf("Port %d on your router leads to %s, which is the wrong address for this PC", c.port, c.holder),
			fmt.Sprintf("Delete that forward in the router at http://%s, or let it lead to %s.", c.gateway, c.local)
	}
	if c.noOuter {
		return fmt.Sprintf("Your router refuses to open port %d, most likely because it has no public address itself", c.port),
			fmt.Sprintf("Log in at http://%s and look for its internet (WAN) address. If that begins with 10., 172.16–31., 192.168. or 100.64–127., "+
				"there is a second router or a carrier NAT in front of it: forward the port there or ask your provider for a public address.", c.gateway)
	}
	if c.full {
		headline := fmt.Sprintf("Your router's table of open ports is full, so it refuses %d", c.port)
		if c.perhapsFull {
			headline = fmt.Sprintf("Your router refuses to open port %d, most likely because its table of open ports is full", c.port)
		}
		return headline,
			fmt.Sprintf("Restart the router: that empties its table. Or log in at http://%s and delete forwards that are not needed.", c.gateway)
	}
	return fmt.Sprintf("Your router refuses to open port %d", c.port),
		fmt.Sprintf("Log in at http://%s and allow programs to open ports (UPnP / “automatic port forwarding”) for this PC; or forward %s port %d to %s by hand.",
			c.gateway, upper(c.transport), c.port, c.local)
}

// displacedWords says why the external port is another one, and when that ends.
func displacedWords(code Code, c clues) string {
	if code == OwnOldEntry && c.oldEnds.IsZero() {
		return fmt.Sprintf("Port %d still leads to this PC's former address %s, and that entry has no lease that ends. Delete it in the router at http://%s; then Portsitter moves back by itself.",
			c.port, c.holder, c.gateway)
	}
	if code == OwnOldEntry {
		return fmt.Sprintf("Port %d still leads to this PC's former address %s, until %s; then Portsitter moves back to it by itself.",
			c.port, c.holder, c.oldEnds.Local().Format("15:04"))
	}
	holder := c.holder
	if holder == "" {
		holder = "another device"
	}
	return fmt.Sprintf("Port %d is held by %s. To use %d, close the game or Portsitter there, or take it over; until then only %d works.", c.port, holder, c.port, c.external)
}

func outsideWords(code Code, c clues) (headline, next string) {
	switch code {
	case HostingElsewhere:
		return fmt.Sprintf("%s is hosting on port %d, but the port that is open is %d", c.game, c.elsewhere, c.port),
			fmt.Sprintf("Set the host port in the emulator to %d and host again; or set port = %d in Portsitter's settings.", c.port, c.elsewhere)
	case NotForwarding:
		return fmt.Sprintf("Your router says that port %d is open, but nothing from outside comes through", c.port),
			fmt.Sprintf("Restart the router and check again. If that does not help, log in at http://%s: look for a firewall or “security” option that blocks incoming traffic, or forward %s port %d to %s by hand.",
				c.gateway, upper(c.transport), c.port, c.local)
	case HostStuck:
		return fmt.Sprintf("The game on port %d did not answer the check: somebody is connected to it already, or it is stuck", c.port),
			"If your opponent is connected, leave it as it is: the game answers nobody else meanwhile. If not, stop hosting, host again, and check again before anybody joins."
	}
	if c.cameIn {
		return fmt.Sprintf("The check from outside came in at port %d, but the answer of this PC got lost on its way back", c.port),
			"The way in works. Check again: a packet can get lost. If that does not help, disconnect any VPN on this PC, and see whether its security software or the router holds back what leaves it."
	}
	return fmt.Sprintf("The check from outside did not reach port %d, and no reason was found", c.port),
		"Look at the firewall of this PC and of your security software, and at a second router in front of yours. Then check again."
}
