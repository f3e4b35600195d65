// Package docs holds the contract of the wire as files that programs read: JSON
// Schemas, and the OpenAPI and AsyncAPI documents that use them. Only tests import
// it; nothing of it is in the program.
package docs

import "embed"

// Files are schema/*.json, openapi.json and asyncapi.json.
//
//go:embed schema/*.json openapi.json asyncapi.json
var Files embed.FS
