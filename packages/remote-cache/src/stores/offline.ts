/** Where remote caches lie, as far as it matters here. */
export interface CacheAddresses {
  readonly urls: readonly string[];
  readonly upload?: { readonly url: string };
}

/** Of remote caches those that take no network to reach: directories. */
export function withoutNetwork<T extends CacheAddresses>(caches: T): Omit<T, keyof CacheAddresses> & Pick<T, keyof CacheAddresses> {
  const { urls, upload, ...rest } = caches;
  return { ...rest, urls: urls.filter(isDirectory), ...(upload !== undefined && isDirectory(upload.url) ? { upload } : {}) };
}

function isDirectory(address: string): boolean {
  return URL.canParse(address) && new URL(address).protocol === 'file:';
}
