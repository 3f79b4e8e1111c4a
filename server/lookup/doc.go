// Package lookup says who is calling: GET /lookup?number=… for the dialplans of
// telephone systems, which ask with one line and take what comes back for a name.
//
// # What is answered
//
// A device logs in by Basic authentication and is told of the contacts that stand
// in its own books, and of nobody else. The answer is plain text, the name of the
// best holder and nothing more, not even the end of a line; with format=lines the
// name, the company, the department and the address of the photo, a line each; with
// format=json, or if the client accepts JSON, all that and every holder.
//
// # Why nobody is 200 and empty
//
// Asterisk's CURL() gives a dialplan the body of any answer, whatever its status,
// and FreePBX's caller ID sources are built on it. So in plain text the body is a
// name or it is empty: a number that nobody has is 200 and empty, and a refusal has
// its status and no text, lest a telephone rings with "login refused" on it. Who
// wants to know why asks for JSON.
//
//	https://docs.asterisk.org/Latest_API/API_Documentation/Dialplan_Functions/CURL/
package lookup
