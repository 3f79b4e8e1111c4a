package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// networks reads a list of networks and addresses, or "10.0.0.0/8,…" from the environment.
func networks(key string, to *[]netip.Prefix) setting {
	var all []string
	list := texts(key, &all)
	return setting{key, func(v any) error {
		if err := list.set(v); err != nil {
			return err
		}
		*to = nil
		for _, s := range all {
			p, err := netip.ParsePrefix(s)
			if a, notOne := netip.ParseAddr(s); notOne == nil {
				p, err = netip.PrefixFrom(a, a.BitLen()), nil
			}
			if err != nil || p.Addr().Is4In6() || p.Addr().Zone() != "" {
				return &valueError{fmt.Sprintf("%q is no network", s), `Write it like "10.20.0.0/16", or one address like "10.0.0.5".`}
			}
			if p.Bits() < minNetworkBits {
				return &valueError{fmt.Sprintf("%s is nearly everybody", s), fmt.Sprintf("Name your own networks: /%d or longer.", minNetworkBits)}
			}
			*to = append(*to, p.Masked())
		}
		return nil
	}}
}

// texts reads a list of texts without repetitions, or "a,b" from the environment.
func texts(key string, to *[]string) setting {
	return setting{key, func(v any) error {
		list, ok := v.([]any)
		if s, isText := v.(string); isText {
			ok = true
			for word := range strings.SplitSeq(s, ",") {
				if strings.TrimSpace(word) != "" {
					list = append(list, word)
				}
			}
		}
		if !ok {
			return wrongType(v, "a list", `["one", "two"]`)
		}
		*to = nil
		for _, one := range list {
			s, isText := one.(string)
			if !isText {
				return wrongType(one, "text", `"…"`)
			}
			if s = strings.TrimSpace(s); slices.Contains(*to, s) {
				return &valueError{fmt.Sprintf("%s is named twice", s), "Name each once."}
			}
			*to = append(*to, s)
		}
		return nil
	}}
}
