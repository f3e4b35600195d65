package transport

import (
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
)

// EST carries certificates in a message of CMS that signs nothing (RFC 5652 section 5.1,
// RFC 7030 section 4.1.3). It is so little of CMS that it stands here, in place of a
// library with all of it.

// MarshalCertificates returns certificates as EST sends them, in DER.
func MarshalCertificates(all ...*x509.Certificate) ([]byte, error) {
	var certificates []byte
	for _, c := range all {
		certificates = append(certificates, c.Raw...)
	}
	type content struct{ Type asn1.ObjectIdentifier }
	empty := asn1.RawValue{Class: asn1.ClassUniversal, Tag: asn1.TagSet, IsCompound: true}
	signed, err := asn1.Marshal(struct {
		Version      int
		Digests      asn1.RawValue
		Content      content
		Certificates asn1.RawValue
		Signers      asn1.RawValue
	}{1, empty, content{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}}, implicit(certificates), empty}) // id-data
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue
	}{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}, implicit(signed)}) // id-signedData
}

// implicit is what stands behind tag [0].
func implicit(content []byte) asn1.RawValue {
	return asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Bytes: content}
}

// parseCertificates is the opposite of MarshalCertificates. It passes over whatever else
// is in the message.
func parseCertificates(der []byte) ([]*x509.Certificate, error) {
	for range 2 { // the outer message, and the one within
		var message asn1.RawValue
		if _, err := asn1.Unmarshal(der, &message); err != nil {
			return nil, fmt.Errorf("certificates: %w", err)
		}
		inner, err := tagged(message.Bytes)
		if err != nil {
			return nil, err
		}
		der = inner
	}
	all, err := x509.ParseCertificates(der)
	if err == nil && len(all) == 0 {
		err = errors.New("there is none")
	}
	if err != nil {
		return nil, fmt.Errorf("certificates: %w", err)
	}
	return all, nil
}

// tagged returns what stands behind tag [0] in a sequence.
func tagged(sequence []byte) ([]byte, error) {
	for rest := sequence; len(rest) > 0; {
		var one asn1.RawValue
		var err error
		if rest, err = asn1.Unmarshal(rest, &one); err != nil {
			return nil, fmt.Errorf("certificates: %w", err)
		}
		if one.Class == asn1.ClassContextSpecific && one.Tag == 0 {
			return one.Bytes, nil
		}
	}
	return nil, errors.New("certificates: the message holds none")
}
