import java.util.ArrayList;
import java.util.Hashtable;
import java.util.List;
import java.util.stream.Collectors;
import javax.naming.AuthenticationException;
import javax.naming.Context;
import javax.naming.NamingEnumeration;
import javax.naming.directory.SearchControls;
import javax.naming.directory.SearchResult;
import javax.naming.ldap.Control;
import javax.naming.ldap.InitialLdapContext;
import javax.naming.ldap.LdapContext;
import javax.naming.ldap.PagedResultsControl;
import javax.naming.ldap.PagedResultsResponseControl;
import javax.naming.ldap.StartTlsRequest;
import javax.naming.ldap.StartTlsResponse;

/** Java's own client: what they all ask in TestLDAPClients, as JSON. Arguments: ldaps plain bind_dn secret base name number page. */
public class Jndi {
    static Hashtable<String, Object> environment(String url) {
        var env = new Hashtable<String, Object>();
        env.put(Context.INITIAL_CONTEXT_FACTORY, "com.sun.jndi.ldap.LdapCtxFactory");
        env.put(Context.PROVIDER_URL, url);
        return env;
    }

    static void credentials(LdapContext c, String dn, String secret) throws Exception {
        c.addToEnvironment(Context.SECURITY_AUTHENTICATION, "simple");
        c.addToEnvironment(Context.SECURITY_PRINCIPAL, dn);
        c.addToEnvironment(Context.SECURITY_CREDENTIALS, secret);
        c.reconnect(null);
    }

    static List<String> values(LdapContext c, String base, int scope, String filter, String attribute) throws Exception {
        var controls = new SearchControls(scope, 0, 0, new String[] {attribute}, false, false);
        var found = new ArrayList<String>();
        NamingEnumeration<SearchResult> all = c.search(base, filter, controls);
        while (all.hasMore()) {
            var a = all.next().getAttributes().get(attribute);
            if (a != null) {
                found.add((String) a.get());
            }
        }
        return found;
    }

    static List<String> people(LdapContext c, String base, String filter) throws Exception {
        return values(c, base, SearchControls.SUBTREE_SCOPE, filter, "uid");
    }

    static int paged(LdapContext c, String base, int size) throws Exception {
        int n = 0;
        byte[] cookie = null;
        do {
            c.setRequestControls(new Control[] {new PagedResultsControl(size, cookie, Control.CRITICAL)});
            n += people(c, base, "(objectClass=person)").size();
            cookie = ((PagedResultsResponseControl) c.getResponseControls()[0]).getCookie();
        } while (cookie != null);
        c.setRequestControls(null);
        return n;
    }

    static int refused(String url, String dn) throws Exception {
        var env = environment(url);
        env.put(Context.SECURITY_AUTHENTICATION, "simple");
        env.put(Context.SECURITY_PRINCIPAL, dn);
        env.put(Context.SECURITY_CREDENTIALS, "wrong");
        try {
            new InitialLdapContext(env, null);
            return 0;
        } catch (AuthenticationException e) {
            return Integer.parseInt(e.getMessage().replaceAll("(?s).*error code (\\d+).*", "$1"));
        }
    }

    static String json(List<String> list) {
        return list.stream().map(s -> '"' + s + '"').collect(Collectors.joining(",", "[", "]"));
    }

    public static void main(String[] args) throws Exception {
        String ldaps = args[0], dn = args[2], secret = args[3], base = args[4], name = args[5], number = args[6];
        var c = new InitialLdapContext(environment(ldaps), null);
        var naming = values(c, "", SearchControls.OBJECT_SCOPE, "(objectClass=*)", "namingContexts");
        credentials(c, dn, secret);
        // Java reads the subschema by itself when it is asked for it.
        var schema = c.getSchema("").search("AttributeDefinition", null).hasMore();
        var plain = new InitialLdapContext(environment(args[1]), null);
        var tls = (StartTlsResponse) plain.extendedOperation(new StartTlsRequest());
        tls.negotiate();
        credentials(plain, dn, secret);
        System.out.printf("{\"naming\":%s,\"wrong\":%d,\"schema\":[%b],\"byName\":%s,\"byNumber\":%s,\"startTLS\":%s,\"paged\":%d}%n",
            json(naming), refused(ldaps, dn), schema, json(people(c, base, name)), json(people(c, base, number)), json(people(plain, base, name)),
            paged(c, base, Integer.parseInt(args[7])));
        tls.close();
        plain.close();
        c.close();
    }
}
