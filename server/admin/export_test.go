package admin

// Advise is what device show says to look at.
var Advise = advise
