package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"ringbook/directory"
	"ringbook/graph/graphtest"
	"ringbook/server/admin"
	"ringbook/server/enroll/kit"
)

// A demoSheet is what the demo prints once it is up.
type demoSheet struct {
	Dir    string            `json:"dir"`
	Config string            `json:"config"`
	People int               `json:"people"` // in the sample tenant
	Served int               `json:"served"` // in the book: no guests, no disabled accounts
	Tenant string            `json:"tenant_url"`
	Phone  admin.AddedDevice `json:"phone"`
	Desk   admin.AddedDevice `json:"deskphone"`
	Known  knownPerson       `json:"person"` // the phone's owner
	// Private is the book of the owner's Outlook contacts.
	Private directory.BookName `json:"private_book"`
}

// A knownPerson is somebody who is in every sample tenant.
type knownPerson struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Login  string `json:"login"`  // to sign in with
	Number string `json:"number"` // as an exchange sends it
}

func known() knownPerson {
	p := graphtest.Known()[graphtest.JuergenGross]
	return knownPerson{p.ID, p.DisplayName, p.UserPrincipalName, strings.Replace(p.Number, "+49", "0", 1)}
}

// thisCommand is how this program was called: go run leaves no file to call again.
func thisCommand() string {
	if strings.Contains(os.Args[0], "go-build") {
		return "go run ./cmd/ringbook"
	}
	return quote(os.Args[0])
}

// quote writes a path as a shell reads it: the lines are made to be pasted.
func quote(path string) string {
	if !strings.ContainsFunc(path, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("/._-+,:@", r)
	}) {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

// demoCert is the LDAP certificate's file, which is its own authority.
const demoCert = "cert.pem"

const sheet = `
Ringbook is up: {served} of {contacts} contacts of a sample tenant, mirrored and served on this machine.
(Guests, disabled and hidden accounts are in the tenant and not in the book.)

ON A PHONE (CardDAV)
  One card:        curl -u {phone}:{phone-secret} {carddav}dav/ab/{phone}/people/{id}.vcf
  All of them:     curl -u {phone}:{phone-secret} -X PROPFIND -H 'Depth: 1' {carddav}dav/ab/{phone}/people/
  From Outlook:    curl -u {phone}:{phone-secret} -X PROPFIND -H 'Depth: 1' {carddav}dav/ab/{phone}/{private}/
                   (what {owner} keeps there, on the owner's devices only)
  In Thunderbird:  Address Book > New Address Book > Add CardDAV Address Book
                   Username  {phone}
                   Location  {carddav}
                   Password  {phone-secret}

ON A DESK PHONE (LDAP)
  By name:         ldapsearch -LLL -x -H {ldap} -D {bind} -w {desk-secret} -b {base} '(cn=groß*)' cn telephoneNumber mobile
  Who is calling:  ldapsearch -LLL -x -H {ldap} -D {bind} -w {desk-secret} -b {base} '(|(telephoneNumber={number})(mobile={number}))' cn
  Without LDAP:    curl -u {desk}:{desk-secret} {carddav}phonebook/yealink.xml
  By a dialplan:   curl -u {desk}:{desk-secret} '{carddav}lookup?number={number}'
  Type into it:    Server         {host}    Port  {port}
                   Base           {base}
                   User name      {bind}
                   Password       {desk-secret}
                   Name filter    {name-filter}
                   Number filter  {number-filter}
                   Name, numbers  {attributes}
  For a make:      {ringbook} device kit {desk} --vendor yealink --config {config}

SOMETHING CHANGES IN THE TENANT
  A new number:    curl -k -X PATCH {tenant}/_control/users/{id} -d '{"mobilePhone": "+49 171 2345678"}'
  Fetch it now:    {ringbook} sync --config {config}
  Look around:     {ringbook} status --config {config}
  Is all well:     SSL_CERT_FILE={cert} {ringbook} check --config {config}
  What it did:     {ringbook} device show {phone} --config {config}
  End the phone:   {ringbook} device revoke {phone} --config {config}

The data is in {dir}. Ctrl-C ends the demo.
`

// write prints the sheet.
func (s demoSheet) write(w io.Writer) error {
	host, port, _ := strings.Cut(strings.TrimPrefix(s.Desk.LDAP.URI, "ldap://"), ":")
	_, err := strings.NewReplacer(
		"{served}", fmt.Sprint(s.Served), "{contacts}", fmt.Sprint(s.People+demoContacts),
		"{phone}", string(s.Phone.Login), "{phone-secret}", s.Phone.Secret, "{carddav}", s.Phone.CardDAVURL,
		"{desk}", string(s.Desk.Login), "{desk-secret}", s.Desk.Secret, "{bind}", s.Desk.LDAP.BindDN, "{base}", s.Desk.LDAP.BaseDN,
		"{ldap}", s.Desk.LDAP.URI, "{host}", host, "{port}", port,
		"{name-filter}", kit.NameFilter, "{number-filter}", kit.NumberFilter, "{attributes}", nameAndNumbers,
		"{id}", s.Known.ID, "{owner}", s.Known.Name, "{private}", string(s.Private), "{number}", s.Known.Number,
		"{tenant}", s.Tenant, "{config}", quote(s.Config), "{cert}", quote(filepath.Join(s.Dir, demoCert)), "{dir}", s.Dir, "{ringbook}", thisCommand(),
	).WriteString(w, sheet)
	return err
}
