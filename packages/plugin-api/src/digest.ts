/** `sha256:<64 lower-case hex digits>`: how image formats, layers and lock files name content. */
export type Digest = string & { readonly __brand: 'Digest' };

/** `sha256-<base64>`, a Subresource Integrity string: how the package cache and npm name content. */
export type Integrity = string & { readonly __brand: 'Integrity' };
