import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Only a checkout has sources. The copies that a build makes there for the package are not those that people look at. */
const isCheckout = existsSync(new URL('../src', import.meta.url));

/** Absolute path of a directory that comes with the command: of the package, or of the checkout that it belongs to. */
export function shippedDirectory(name: 'docs' | 'templates', inCheckout = isCheckout): string {
  return fileURLToPath(new URL(`${inCheckout ? '../../..' : '..'}/${name}`, import.meta.url));
}

/**
 * The page of one of our own codes; plugins document theirs themselves.
 *
 * @returns in a checkout the path that everybody has there, else the absolute path of the page that came with the command.
 */
export function pageOf(code: string, inCheckout = isCheckout): string | undefined {
  if (!code.startsWith('ICT_')) return undefined;
  return `${inCheckout ? 'docs' : shippedDirectory('docs', inCheckout)}/errors/${code}.md`;
}
