package directory

// Budgets of a photo, in bytes of JPEG. A phone shows 240 pixels at most; a
// card beyond 100 KB times slow clients out.
const (
	MaxLargePhoto = 64 << 10
	MaxSmallPhoto = 12 << 10
)

// A PhotoID names the content of a photo: the first 128 bits of SHA-256 over
// the large and the small JPEG, in hexadecimal. Equal ids are equal photos.
type PhotoID string

// A PhotoSize says which photo a device gets.
type PhotoSize string

// The sizes. The zero value of a device is read as PhotoLarge.
const (
	PhotoNone  PhotoSize = "none"
	PhotoSmall PhotoSize = "small" // ≤ MaxSmallPhoto
	PhotoLarge PhotoSize = "large" // ≤ MaxLargePhoto
)

// PhotoSizes lists the sizes that a device may have.
func PhotoSizes() []PhotoSize { return []PhotoSize{PhotoNone, PhotoSmall, PhotoLarge} }

// A Photo is one person's picture: square JPEGs without metadata.
type Photo struct {
	ID    PhotoID
	Large []byte // ≤ MaxLargePhoto
	Small []byte // ≤ MaxSmallPhoto
}

// A PhotoTag is the source's own mark of a photo's version (Graph:
// @odata.mediaEtag). It says whether to fetch again, and nothing else.
type PhotoTag string

// A PhotoChange is what a photo sweep learnt about one contact.
type PhotoChange struct {
	ID  ContactID
	Tag PhotoTag // the photo's version now; "" = the source has no photo
	// Same: the photo is the one we have, only asked about again. Photo is not looked at.
	Same  bool
	Photo *Photo // nil = the contact has none to show (none there, or not decodable)
}

// A PhotoDue is a contact whose photo should be asked for.
type PhotoDue struct {
	ID  ContactID
	Tag PhotoTag // of the photo we have; "" = none
}
