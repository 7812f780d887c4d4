/**
 * `sha256:<64 lower-case hex digits>`: how image formats, layers and lock files name content. Only what a repository states by nothing but
 * SHA-384 or SHA-512 is named `sha384:<96 digits>` or `sha512:<128 digits>`.
 */
export type Digest = string & { readonly __brand: 'Digest' };

/** `sha256-<base64>`, a Subresource Integrity string: how the package cache and npm name content. */
export type Integrity = string & { readonly __brand: 'Integrity' };
