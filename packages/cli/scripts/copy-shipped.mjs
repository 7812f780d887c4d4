/* Copies what the package brings along and the checkout has elsewhere: templates, and the pages that errors name. Not a lifecycle script of npm, which `.npmrc` passes over. */
import { cp, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const own = fileURLToPath(new URL('..', import.meta.url));

/** Of no use without a checkout. */
const LEFT_OUT = /^(?:rpm-test|figures|performance.*\.md)$/;

for (const directory of ['templates', 'docs']) {
  await rm(`${own}${directory}`, { recursive: true, force: true });
  await cp(`${root}${directory}`, `${own}${directory}`, { recursive: true, filter: (path) => !LEFT_OUT.test(basename(path)) });
}
