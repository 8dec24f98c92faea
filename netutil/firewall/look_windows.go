package firewall

import (
	"context"
	"time"
)

const (
	policyObject  = "HNetCfg.FwPolicy2"
	productObject = "HNetCfg.FwProducts"
	ruleObject    = "HNetCfg.FWRule"
	inbound       = 1 // NET_FW_RULE_DIR_IN
	blockAction   = 0 // NET_FW_ACTION_BLOCK
	allowAction   = 1
	mostRules     = 20_000
)

func look(ctx context.Context, q Question) Report {
	ctx, cancel := context.WithTimeout(ctx, comWithin)
	defer cancel()
	answer := make(chan winPolicy, 1)
	err := onCOM(ctx, func() error {
		w, err := readPolicy(q)
		answer <- w
		return err
	})
	if err != nil {
		r := unknown("Windows Firewall could not be asked: " + err.Error())
		r.Firewall = "Windows Firewall"
		return r
	}
	return (<-answer).report(q)
}

// readPolicy reads what the firewall does with packets of that transport.
func readPolicy(q Question) (w winPolicy, err error) {
	policy, err := newObject(policyObject)
	if err != nil {
		return w, err
	}
	defer policy.close()
	w.active = policy.number("CurrentProfileTypes", &err)
	w.modify = policy.number("LocalPolicyModifyState", &err)
	for i, p := range winProfiles {
		w.profiles[i] = winProfile{
			on:            policy.truth("FirewallEnabled", &err, p.bit),
			blockAll:      policy.truth("BlockAllInboundTraffic", &err, p.bit),
			defaultBlocks: policy.number("DefaultInboundAction", &err, p.bit) == blockAction,
		}
	}
	if err != nil {
		return w, err
	}
	w.products = otherProducts()
	list, err := policy.child("Rules")
	if err != nil {
		return w, err
	}
	defer list.close()
	err = list.each(func(o object) error {
		if r, is := readRule(o, winProtocols[q.Transport]); is && len(w.rules) < mostRules {
			w.rules = append(w.rules, r)
		}
		return nil
	})
	return w, err
}

// readRule reads a rule, if it is in force and about incoming packets of that protocol: there are
// many hundreds of others. What an older Windows does not have stays empty.
func readRule(o object, protocol int32) (r winRule, is bool) {
	var err error
	r.enabled = o.truth("Enabled", &err)
	r.protocol = o.number("Protocol", &err)
	if err != nil || !r.enabled || r.protocol != protocol && r.protocol != anyProtocol || o.number("Direction", &err) != inbound {
		return r, false
	}
	r.name, r.group = o.text("Name", nil), o.text("Grouping", nil)
	r.program, r.service = o.text("ApplicationName", nil), o.text("ServiceName", nil)
	r.localPorts, r.remotePorts = o.text("LocalPorts", nil), o.text("RemotePorts", nil)
	r.localAddresses, r.remoteAddresses = o.text("LocalAddresses", nil), o.text("RemoteAddresses", nil)
	r.interfaceTypes = o.text("InterfaceTypes", nil)
	r.packageID = o.text("LocalAppPackageId", nil)
	r.authorized = o.text("RemoteUserAuthorizedList", nil) + o.text("RemoteMachineAuthorizedList", nil)
	r.secure = o.number("SecureFlags", nil) != 0
	r.profiles = o.number("Profiles", &err)
	r.blocks = o.number("Action", &err) != allowAction
	return r, err == nil
}

// otherProducts names firewalls that have registered themselves in place of the Windows Firewall.
func otherProducts() (names []string) {
	products, err := newObject(productObject)
	if err != nil {
		return nil
	}
	defer products.close()
	_ = products.each(func(o object) error {
		if name := clean(o.text("DisplayName", nil)); name != "" && len(names) < 8 {
			names = append(names, name)
		}
		return nil
	})
	return names
}

// timeForRules is how long a change may take.
const timeForRules = 20 * time.Second
