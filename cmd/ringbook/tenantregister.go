package main

import (
	_ "embed"
	"fmt"
	"io"
	"strings"
	"text/template"

	"github.com/spf13/cobra"

	"ringbook/config"
	"ringbook/directory"
	"ringbook/graph"
)

// The scripts register the application as a person would who clicks through the
// portal, and look up by name whatever has an id.
var (
	//go:embed register.sh.tmpl
	azScript string
	//go:embed register.ps1.tmpl
	powerShellScript string
	//go:embed register.exchange.ps1.tmpl
	exchangeScript string
)

// A registration is what a script fills in.
type registration struct {
	Name          string
	Permissions   []string
	TenantID      string // "" = that of whoever runs it
	TenantGUID    string // "" = the configuration names it by a domain, or not at all
	ClientID      string // of an application that is registered already
	Group         string // whose mailboxes are opened
	Certificate   string // file; "" = a client secret is made
	AzCloud       string
	MgCloud       string
	ExchangeCloud string
	DoD           bool // of which az knows only the sister's Graph
}

func newTenantRegister(o *options) *cobra.Command {
	r := registration{}
	shell := "az"
	cmd := &cobra.Command{
		Use:   "register",
		Short: "Print a script that registers the application",
		Long: "Prints a script for the Azure CLI (or, with --shell powershell, for Microsoft Graph PowerShell) that registers the application in\n" +
			"the tenant with exactly the permissions that the configuration needs, grants admin consent, and says what to write into ringbook.toml.\n" +
			"With --shell exchange it prints a script for Exchange Online PowerShell that opens the Outlook contacts of mirror.mailboxes_group to the\n" +
			"application, and no other mailbox.\n" +
			"Nothing is sent anywhere: read the script, then run it as an administrator who may grant consent.\n" +
			"The configuration need not be complete yet; without one, the script is for people, numbers and photos.",
		Example: "  ringbook tenant register > register.sh && bash register.sh\n" +
			"  ringbook tenant register --shell powershell --certificate /etc/ringbook/ringbook-client.cer > register.ps1",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Draft(config.Find(o.config))
			if err != nil {
				return err
			}
			if strings.TrimSpace(r.Name) == "" || strings.ContainsFunc(r.Name+r.Certificate, func(c rune) bool { return c < ' ' || c == 0x7f }) {
				return usage("--name and --certificate are one line of text each")
			}
			r.Permissions = graph.Permissions(cfg.Mirror.OrgContacts, len(named(cfg)) > 0)
			r.TenantID = cfg.Tenant.ID
			if directory.IsObjectID(r.TenantID) {
				r.TenantGUID = r.TenantID
			}
			r.AzCloud, r.MgCloud, r.ExchangeCloud = cloudNames(cfg.Tenant.Cloud)
			r.ClientID, r.Group = cfg.Tenant.ClientID, string(cfg.Mirror.MailboxesGroup)
			if shell == "exchange" && (r.ClientID == "" || r.Group == "") {
				return usage("the script for Exchange needs tenant.client_id and mirror.mailboxes_group in the configuration")
			}
			r.DoD = cfg.Tenant.Cloud == "usgov_dod"
			return r.write(cmd.OutOrStdout(), shell)
		},
	}
	f := cmd.Flags()
	f.StringVar(&r.Name, "name", "Ringbook", "the application's display `NAME`")
	f.StringVar(&r.Certificate, "certificate", "", "upload this certificate (`FILE.cer`) instead of making a client secret")
	f.StringVar(&shell, "shell", shell, "which script: az, powershell or exchange")
	return cmd
}

// cloudNames returns a cloud as the Azure CLI, Graph PowerShell and Exchange
// Online PowerShell call it.
func cloudNames(cloud string) (az, mg, exchange string) {
	switch cloud {
	case "usgov":
		return "AzureUSGovernment", "USGov", "O365USGovGCCHigh"
	case "usgov_dod":
		return "AzureUSGovernment", "USGovDoD", "O365USGovDoD"
	case "china":
		return "AzureChinaCloud", "China", "O365China"
	}
	return "AzureCloud", "Global", "O365Default"
}

func (r registration) write(w io.Writer, shell string) error {
	text, quote := azScript, shellQuote
	switch shell {
	case "az":
	case "powershell":
		text, quote = powerShellScript, powerShellQuote
	case "exchange":
		text, quote = exchangeScript, powerShellQuote
	default:
		return usage("--shell %s: use az, powershell or exchange", shell)
	}
	t, err := template.New(shell).Funcs(template.FuncMap{"quote": quote}).Parse(text)
	if err != nil {
		return fmt.Errorf("read the script: %w", err)
	}
	return t.Execute(w, r)
}

// shellQuote makes one word of POSIX sh of s.
func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// powerShellQuote makes a literal string of s. PowerShell takes typographic
// quotation marks for its own.
func powerShellQuote(s string) string {
	var b strings.Builder
	for _, c := range s {
		if strings.ContainsRune("'‘’‚‛", c) {
			b.WriteRune(c)
		}
		b.WriteRune(c)
	}
	return "'" + b.String() + "'"
}
