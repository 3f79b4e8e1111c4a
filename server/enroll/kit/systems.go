package kit

// systems are telephone systems, and programs.
var systems = []row{
	{
		vendor: "3cx", title: "3CX, LDAP Directory Search",
		source: "3CX Phone System manual, Company Directory Sync",
		form:   &listForm, ways: ways{plain: "none"},
		notes: []string{
			"3CX copies whoever calls into its own phone book: a leaver's number stays there for as many days as you say.",
			"Only versions with Settings, Advanced, Company Directory Sync ask a directory by themselves. The phones of any version can ask this server: take their kit.",
			dialplan,
		},
		settings: []setting{
			{"LDAP server", "{host}"},
			{"Port", "{port}"},
			{"User name", "{bind}"},
			{"Password", "{secret}"},
			{"Search base", "{base}"},
			{"Days until a contact is removed", "1"},
		},
	},
	{
		vendor: "freepbx", title: "FreePBX, Caller ID Superfecta, source LDAP",
		source: "FreePBX/superfecta issue 173, and the filter of its LDAP source in a public copy",
		form:   &listForm, ways: ways{"ldap://", "", "ldaps://"},
		token: "%", numbers: []string{"(|(telephoneNumber=*%)(mobile=*%)(homeTelephoneNumber=*%))"},
		notes: []string{"It searches by the last digits. Five are the least that this server takes for a number.", dialplan},
		settings: []setting{
			{"Server", "{uri}"},
			{"Base", "{base}"},
			{"User", "{bind}"},
			{"Password", "{secret}"},
		},
	},
	{
		vendor: "starface", title: "STARFACE, address book by LDAP",
		source: "knowledge.starface.de, Configuring the LDAP Connection for an Address Book",
		form:   &listForm, ways: ways{plain: "none"},
		notes: []string{
			"Its manual has no setting for TLS.",
			"STARFACE would like to write, too: that is refused, and nothing breaks.",
			"While it uses LDAP, STARFACE offers no private address books and no book of its own users.",
			dialplan,
		},
		settings: []setting{
			{"Server address", "{server}"},
			{"User name", "{bind}"},
			{"Password", "{secret}"},
			{"Base folder", "{book}"},
			{"Search mode", "fast"},
		},
	},
	{
		vendor: "linphone", title: "Linphone, in linphonerc", source: "BelledonneCommunications/liblinphone, src/ldap/ldap-config-keys.cpp, ldap-contact-provider.cpp and issue 240",
		// It takes ldaps:// too, but then sets neither its authorities nor whether to check.
		current: true, form: &iniForm, file: "linphonerc", ways: ways{plain: "0", startTLS: "1"},
		token: "%s", names: []string{"(|(cn=*%s*)(telephoneNumber=*%s*)(mobile=*%s*)(homePhone=*%s*))"},
		numbers: []string{"(|(cn=*%s*)(telephoneNumber=*%s*)(mobile=*%s*)(homePhone=*%s*))"},
		maxHits: 30,
		notes:   []string{"It goes to the end of Linphone's file linphonerc while Linphone does not run; with other directories there already, its section takes the next number."},
		settings: []setting{
			{"enable", "1"},
			{"server", "{uri}"},
			{"use_tls", "{tls}"},
			{"bind_dn", "{bind}"},
			{"password", "{secret}"},
			{"base_object", "{base}"},
			{"filter", "{name-filter-1}"},
			{"name_attribute", NameAttribute},
			{"sip_attribute", "telephoneNumber,mobile,homePhone"},
			{"max_results", "{hits}"},
		},
	},
	{
		vendor: "thunderbird", title: "Thunderbird, LDAP directory in user.js",
		source:  "Thunderbird 153: LDAPDirectory.sys.mjs, LDAPReplicationService.sys.mjs, AbLDAPAutoCompleteSearch.sys.mjs; e2e runs it",
		current: true, form: &prefsForm, file: "user.js", ways: ways{plain: "ldap", ldaps: "ldaps"},
		token: "%", names: []string{"(|(cn=*%*)(mail=*%*)(givenName=*%*)(sn=*%*))"},
		notes: []string{
			"It goes to the end of user.js in the profile folder (Help, Troubleshooting Information), before Thunderbird starts. " +
				"An authority of your own is imported in the settings, under Certificates.",
			"Thunderbird asks for the password at the first search, and keeps it. It looks people up while you type; for the whole list take CardDAV, " +
				"or Download Now in the directory's properties, for when you are offline.",
		},
		settings: []setting{
			{"ldap_2.servers.ringbook.description", `"{title}"`},
			{"ldap_2.servers.ringbook.uri", `"{uri}/{base-url}??sub?(objectclass=inetOrgPerson)"`}, // it would hang on the base
			{"ldap_2.servers.ringbook.auth.dn", `"{bind}"`},
			{"ldap_2.servers.ringbook.auth.saslmech", `""`},
			{"ldap_2.servers.ringbook.maxHits", "{hits}"},
			{"ldap_2.servers.ringbook.filename", `"ringbook.sqlite"`}, // without, a download never ends
			{"ldap_2.autoComplete.useDirectory", "true"},
			{"ldap_2.autoComplete.directoryServer", `"ldap_2.servers.ringbook"`},
		},
	},
}
