/** Steps from the root of a document to a node: keys of mappings and indexes of lists. */
export type Path = readonly (string | number)[];

/**
 * Writes a path as people read it: `systemConfig.packages[3]`, `mirrors["http://archive.example.com"]`; the root is empty.
 * Different paths give different texts, so it serves as a map key.
 */
export function formatPath(path: Path): string {
  let out = '';
  for (const step of path) {
    if (typeof step === 'number') out += `[${step}]`;
    else if (/^[A-Za-z_$][\w$-]*$/.test(step)) out += out === '' ? step : `.${step}`;
    else out += `[${JSON.stringify(step)}]`;
  }
  return out;
}

/** {@link startsWith} for formatted paths: true when `path` is `outer` or lies below it. */
export function isWithin(path: string, outer: string): boolean {
  return outer === '' || path === outer || path.startsWith(`${outer}.`) || path.startsWith(`${outer}[`);
}

/** True when `path` is `prefix` or lies below it. */
export function startsWith(path: Path, prefix: Path): boolean {
  return prefix.every((step, index) => path[index] === step);
}
