package firewall

import (
	"context"
	"fmt"
)

func allow(ctx context.Context, a Access) error {
	if err := a.check(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, timeForRules)
	defer cancel()
	return onCOM(ctx, func() error {
		policy, err := newObject(policyObject)
		if err != nil {
			return err
		}
		defer policy.close()
		if err := change(policy, a.wanted()); err != nil {
			return err
		}
		var failed error
		if modify := policy.number("LocalPolicyModifyState", &failed); failed == nil && modify != 0 {
			return ErrPolicy
		}
		return nil
	})
}

func remove(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, timeForRules)
	defer cancel()
	return onCOM(ctx, func() error {
		policy, err := newObject(policyObject)
		if err != nil {
			return err
		}
		defer policy.close()
		return change(policy, nil)
	})
}

// change makes our rules those that are wanted. New rules come before old ones go only where the
// names differ, so for a moment the port may be shut: this happens at an upgrade, at most.
func change(policy object, want []winRule) error {
	list, err := policy.child("Rules")
	if err != nil {
		return err
	}
	defer list.close()
	var have []winRule
	err = list.each(func(o object) error {
		if o.text("Grouping", nil) != ourGroup || o.number("Direction", nil) != inbound {
			return nil
		}
		have = append(have, readOurs(o))
		return nil
	})
	if err != nil {
		return fmt.Errorf("the rules of the Windows Firewall cannot be listed: %w", err)
	}
	remove, add := plan(have, want)
	for _, name := range remove {
		if err := list.call("Remove", name); err != nil {
			return fmt.Errorf("rule %q of the Windows Firewall: %w", name, err)
		}
	}
	for _, r := range add {
		if err := addRule(list, r); err != nil {
			return fmt.Errorf("rule %q of the Windows Firewall: %w", r.name, err)
		}
	}
	return nil
}

// readOurs reads a rule of ours, also one that somebody has switched off.
func readOurs(o object) winRule {
	return winRule{
		name: o.text("Name", nil), group: ourGroup, program: o.text("ApplicationName", nil), service: o.text("ServiceName", nil),
		protocol: o.number("Protocol", nil), localPorts: o.text("LocalPorts", nil), remotePorts: o.text("RemotePorts", nil),
		localAddresses: o.text("LocalAddresses", nil), remoteAddresses: o.text("RemoteAddresses", nil),
		profiles: o.number("Profiles", nil), enabled: o.truth("Enabled", nil), blocks: o.number("Action", nil) != allowAction,
	}
}

// addRule makes one rule. The protocol comes first: ports are refused without one.
func addRule(list object, r winRule) error {
	o, err := newObject(ruleObject)
	if err != nil {
		return err
	}
	defer o.close()
	properties := []struct {
		name  string
		value any
	}{
		{"Name", r.name},
		{"Description", "Made by Portsitter when it was installed; taken out when it is uninstalled."},
		{"Protocol", r.protocol},
		{"LocalPorts", r.localPorts},
		{"RemoteAddresses", r.remoteAddresses},
		{"Direction", int32(inbound)},
		{"Action", int32(allowAction)},
		{"Profiles", r.profiles},
		{"Grouping", r.group},
		{"Enabled", true},
	}
	for _, p := range properties {
		if err := o.put(p.name, p.value); err != nil {
			return err
		}
	}
	if r.program != "" {
		if err := o.put("ApplicationName", r.program); err != nil {
			return err
		}
	}
	return list.call("Add", o.IDispatch)
}
