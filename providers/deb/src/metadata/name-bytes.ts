/** By byte: 1 when a package name may have it, 2 when it may also begin with it. */
export const NAME_BYTES = Uint8Array.from({ length: 256 }, (_, code) => {
  const character = String.fromCharCode(code);
  return /[A-Za-z0-9]/.test(character) ? 2 : /[+._-]/.test(character) ? 1 : 0;
});
