package main

import (
	"github.com/spf13/cobra"
)

func newTenant(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "tenant",
		Short:   "Prepare the tenant",
		Long:    "Makes what the tenant needs: the application's registration, and a certificate for it.\nNothing here signs in anywhere: scripts and files are made for you to look at, and to run.",
		Example: "  ringbook tenant certificate --out /etc/ringbook\n  ringbook tenant register --shell powershell",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newTenantCertificate(o), newTenantRegister(o))
	return cmd
}
