package portal

import (
	"io"

	"golang.org/x/net/html"
)

// The page is built of nodes and not from a template, which would cost the program
// 2 MB (see agent/page, which has the same few lines, since rooms do not share
// code). What is put in as text or as an attribute is escaped by Render.

// A part is something that goes into an element: a child, a text, an attribute.
type part func(*html.Node)

func el(tag string, parts ...part) part {
	return func(parent *html.Node) {
		n := &html.Node{Type: html.ElementNode, Data: tag}
		all(parts...)(n)
		parent.AppendChild(n)
	}
}

func says(s string) part {
	return func(parent *html.Node) { parent.AppendChild(&html.Node{Type: html.TextNode, Data: s}) }
}

func attr(name, value string) part {
	return func(n *html.Node) { n.Attr = append(n.Attr, html.Attribute{Key: name, Val: value}) }
}

func class(name string) part { return attr("class", name) }

func all(parts ...part) part {
	return func(n *html.Node) {
		for _, p := range parts {
			p(n)
		}
	}
}

// given is the parts if there is a reason for them.
func given(reason bool, parts ...part) part {
	if !reason {
		return all()
	}
	return all(parts...)
}

func each[T any](items []T, show func(T) part) part {
	return func(n *html.Node) {
		for _, item := range items {
			show(item)(n)
		}
	}
}

// write renders a whole document.
func write(w io.Writer, root part) error {
	document := &html.Node{Type: html.DocumentNode}
	document.AppendChild(&html.Node{Type: html.DoctypeNode, Data: "html"})
	root(document)
	return html.Render(w, document)
}
