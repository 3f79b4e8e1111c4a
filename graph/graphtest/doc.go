// Package graphtest is a stand-in for Microsoft Graph and its sign-in: an Entra
// tenant in memory, full of sample people, behind real HTTP. `ringbook demo`
// shows it, unit tests and end-to-end tests mirror it.
//
// # What it answers
//
//	POST /{tenant}/oauth2/v2.0/token              client secret or client assertion
//	GET  /{tenant}/v2.0/.well-known/openid-configuration
//	GET  /v1.0/users/delta  /v1.0/users/delta()   $select, $filter=id eq …, $skiptoken, $deltatoken
//	GET  /v1.0/users  /v1.0/users/{id}            $select, $top; id or user principal name
//	GET  /v1.0/users/{id}/photo                   metadata
//	GET  /v1.0/users/{id}/photo/$value            the largest
//	GET  /v1.0/users/{id}/photos/{size}[/$value]  48x48 … 648x648, never larger than the original
//	GET  /v1.0/contacts/delta                     organisational contacts, as users/delta
//	GET  /v1.0/groups  /v1.0/groups/{id}          $filter=displayName eq '…'
//	GET  /v1.0/groups/{id}/transitiveMembers      $top
//	POST /v1.0/$batch                             20 items; binary bodies in base64
//
// Every Graph request needs a bearer token of this tenant, and the application
// permission ([Options.Roles]); without it, it is 403
// Authorization_RequestDenied. Anything else is 404, and what Graph does not support is 400.
//
// # Where it is as awkward as Graph
//
// $select counts in the first request of a round only; links carry it. A
// property that was never set is absent from a delta, a cleared one is null. A
// page may be empty and still have a next link. An object may come twice, and
// what changes while a round is read comes at the latest in the next one. A
// token that is not known (any more) is 410 Gone with a Location. Half of the
// people without a photo answer 404, the others metadata of a 1x1 GIF.
//
// # Scripting it
//
// [Tenant.Patch], [Tenant.Remove] and their like change the people. [Fault]
// rules make requests fail. Over HTTP the same is under /_control/ (see
// [Tenant.ServeHTTP]), for clients in another process on the same machine.
package graphtest
