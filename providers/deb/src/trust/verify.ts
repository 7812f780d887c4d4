import { isIctError } from '@ict/plugin-api';
import type { Context, PackageVerifier, RepositorySpec, ResolvedPackage } from '@ict/plugin-api';
import { parseStanzas } from '../metadata/deb822.js';
import type { Stanza } from '../metadata/deb822.js';
import { debError } from '../errors.js';
import { rememberPreinst } from '../install/preinst.js';

/** Checks what a package file says of itself. That its bytes have the digest of the signed index is the engine's business. */
export function createPackageVerifier(): PackageVerifier {
  return { verify };
}

/**
 * Checks that the file is a Debian package whose own control stanza names the package that was resolved.
 *
 * @throws `ICT_DEB_PACKAGE_MALFORMED` when the file is no sound package, `ICT_DEB_PACKAGE_REPLACED` when it is another one; Node's own
 * error when the file cannot be read.
 */
async function verify(file: string, expected: ResolvedPackage, _repository: RepositorySpec, ctx: Context): Promise<void> {
  const control = await readControl(file, expected, ctx);
  const actual = { name: control.get('Package'), version: control.get('Version'), arch: control.get('Architecture') };
  const differing = (['name', 'version', 'arch'] as const).filter((field) => actual[field] !== expected[field]);
  if (differing.length === 0) return;
  throw debError('ICT_DEB_PACKAGE_REPLACED', {
    message: `the package file for ${expected.id} ${expected.version} says that it is ${actual.name ?? '?'}:${actual.arch ?? '?'} ${actual.version ?? '?'}`,
    hint: `Repository "${expected.repository}" lists a file under another package's name; report it to the repository.`,
    facts: { package: expected.id, repository: expected.repository, path: expected.path, expected: pick(expected), actual, differing },
  });
}

function pick({ name, version, arch }: ResolvedPackage): Pick<ResolvedPackage, 'name' | 'version' | 'arch'> {
  return { name, version, arch };
}

async function readControl(file: string, expected: ResolvedPackage, ctx: Context): Promise<Stanza> {
  try {
    const { readDeb } = await import('@ict/archive');
    const deb = await readDeb(file, { signal: ctx.signal });
    const files = await deb.control();
    await rememberPreinst(expected.digest, files, ctx);
    const control = files.get('control');
    const [stanza, ...more] = parseStanzas(new TextDecoder().decode(control), { source: `control of ${expected.id}` });
    if (stanza !== undefined && more.length === 0) return stanza;
    throw malformed(expected, `its control file has ${more.length + (stanza === undefined ? 0 : 1)} paragraphs, not one`);
  } catch (error) {
    if (!isIctError(error) || error.kind !== 'integrity' || error.code.startsWith('ICT_DEB_PACKAGE_')) throw error;
    throw malformed(expected, error.message, error);
  }
}

function malformed(expected: ResolvedPackage, why: string, cause?: unknown): Error {
  return debError('ICT_DEB_PACKAGE_MALFORMED', {
    message: `the package file for ${expected.id} ${expected.version} is not a sound Debian package: ${why}`,
    hint: `The file has the digest that repository "${expected.repository}" lists, so it was published broken; report it to the repository.`,
    facts: { package: expected.id, repository: expected.repository, path: expected.path },
    cause,
  });
}
