package admin

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"ringbook/directory"
)

// describe names one family of metrics. No label holds anything of a person.
func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("ringbook_"+name, help, labels, nil)
}

// A collector reads everything when it is asked, so that nothing has to be kept
// in step: a scrape is the only cost.
type collector struct {
	o MetricsOptions

	build, ready, revision, contacts, books, devices, credentials           *prometheus.Desc
	state, success, failures, attention, rounds, changes, requests, skipped *prometheus.Desc
	open, logins                                                            *prometheus.Desc
}

// MetricsOptions are what is measured. All but Directory may be nil.
type MetricsOptions struct {
	Directory   Directory
	Mirror      Mirror
	Devices     Devices
	Credentials Credentials
	Listeners   func() []ListenerStatus
	Version     string
}

// Metrics answers Prometheus. It tells counts and times and nothing of a person,
// so it needs no login on an address of this machine.
func Metrics(o MetricsOptions) http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(newCollector(o), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{})
}

func newCollector(o MetricsOptions) *collector {
	return &collector{
		o:           o,
		build:       describe("build_info", "The version that runs.", "version"),
		ready:       describe("ready", "1 once the mirror has been loaded."),
		revision:    describe("revision", "The store's revision."),
		contacts:    describe("contacts", "Contacts in the mirror, in a book or not."),
		books:       describe("book_contacts", "Contacts in a book.", "book"),
		devices:     describe("devices", "Devices by state.", "state"),
		credentials: describe("credential_expiry_timestamp_seconds", "When a credential of the tenant ends.", "credential"),
		open:        describe("ldap_connections", "Open connections of an LDAP listener.", "listener"),
		logins:      describe("ldap_logins_total", "Logins of devices at an LDAP listener, by the version of TLS.", "listener", "tls"),
		state:       describe("feed_state", "1 for the state that a feed is in.", "feed", "state"),
		success:     describe("feed_last_success_timestamp_seconds", "When a feed's round last succeeded.", "feed"),
		failures:    describe("feed_failures", "Rounds of a feed in a row that failed.", "feed"),
		attention:   describe("feed_attention", "1 while a person should look at a feed.", "feed"),
		rounds:      describe("rounds_total", "Rounds of a feed.", "feed", "result"),
		changes:     describe("round_changes_total", "Contacts that a feed's rounds changed.", "feed", "kind"),
		requests:    describe("round_requests_total", "Requests that a feed's rounds sent.", "feed"),
		skipped:     describe("round_skipped_total", "Objects that a feed's rounds left out.", "feed"),
	}
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		c.build, c.ready, c.revision, c.contacts, c.books, c.devices, c.credentials,
		c.state, c.success, c.failures, c.attention, c.rounds, c.changes, c.requests, c.skipped, c.open, c.logins,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	v := c.o.Directory.View()
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	gauge(c.build, 1, c.o.Version)
	gauge(c.ready, truth(v.Loaded()))
	gauge(c.revision, float64(v.Revision()))
	gauge(c.contacts, float64(v.Len()))
	for _, b := range v.Books() {
		gauge(c.books, float64(b.Len()), string(b.Name()))
	}
	if c.o.Devices != nil {
		n := countDevices(c.o.Devices.List())
		gauge(c.devices, float64(n.Active), string(directory.DeviceActive))
		gauge(c.devices, float64(n.Draining), string(directory.DeviceDraining))
		gauge(c.devices, float64(n.Revoked), string(directory.DeviceRevoked))
	}
	if c.o.Credentials != nil {
		for _, st := range c.o.Credentials.Status() {
			if !st.Expires.IsZero() {
				gauge(c.credentials, seconds(st.Expires), st.Name)
			}
		}
	}
	if c.o.Listeners != nil {
		for _, l := range c.o.Listeners() {
			gauge(c.open, float64(l.Open), l.Name)
			for version, n := range l.Logins {
				ch <- prometheus.MustNewConstMetric(c.logins, prometheus.CounterValue, float64(n), l.Name, cmp.Or(strings.TrimPrefix(version, "TLS "), "none"))
			}
		}
	}
	if c.o.Mirror != nil {
		for _, st := range c.o.Mirror.Status() {
			c.feed(ch, st)
		}
	}
}

// feed sends what is known of one feed.
func (c *collector) feed(ch chan<- prometheus.Metric, st directory.FeedStatus) {
	name := string(st.Name)
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, append([]string{name}, labels...)...)
	}
	count := func(d *prometheus.Desc, n int, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), append([]string{name}, labels...)...)
	}
	for _, s := range directory.FeedStates() {
		gauge(c.state, truth(st.State == s), string(s))
	}
	if !st.LastSuccess.IsZero() {
		gauge(c.success, seconds(st.LastSuccess))
	}
	gauge(c.failures, float64(st.Failures))
	gauge(c.attention, truth(st.Attention))
	count(c.rounds, st.Totals.Done, "done")
	count(c.rounds, st.Totals.Failed, "failed")
	count(c.changes, st.Totals.Added, "added")
	count(c.changes, st.Totals.Changed, "changed")
	count(c.changes, st.Totals.Removed, "removed")
	count(c.requests, st.Totals.Requests)
	count(c.skipped, st.Totals.Skipped)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
