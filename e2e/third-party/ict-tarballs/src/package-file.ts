import { readTarFile } from '@ict/archive';
import type { Context, PackageVerifier, ResolvedPackage } from '@ict/plugin-api';
import { tarballError } from './errors.js';
import { notePath, type PackageNote } from './format.js';

export function createPackageVerifier(): PackageVerifier {
  return { verify: (file, expected, _repository, ctx) => verify(file, expected, ctx) };
}

/** The engine has compared the digest that the index lists; what is left is that the file is the package that it was listed as. */
async function verify(file: string, expected: ResolvedPackage, ctx: Context): Promise<void> {
  const note = await readNote(file, expected, ctx);
  if (note.name === expected.name && note.version === expected.version && note.arch === expected.arch) return;
  throw tarballError('TARBALLS_PACKAGE', {
    message: `the file for ${expected.id} ${expected.version} says that it is ${note.name}:${note.arch} ${note.version}`,
    hint: `Repository "${expected.repository}" lists a file under another package's name; report it to the repository.`,
    facts: { package: expected.id, repository: expected.repository },
  });
}

async function readNote(file: string, expected: ResolvedPackage, { signal }: Context): Promise<PackageNote> {
  try {
    for await (const entry of readTarFile(file, { signal })) {
      if (entry.type !== 'file' || entry.path.replace(/^\./, '') !== notePath(expected.name)) continue;
      const chunks: Uint8Array[] = [];
      for await (const chunk of entry.content) chunks.push(chunk);
      return JSON.parse(Buffer.concat(chunks).toString()) as PackageNote;
    }
  } catch (cause) {
    signal.throwIfAborted();
    throw unreadable(expected, cause);
  }
  throw unreadable(expected);
}

function unreadable(expected: ResolvedPackage, cause?: unknown): Error {
  return tarballError('TARBALLS_PACKAGE', {
    message: `the file for ${expected.id} ${expected.version} is no tarball with ${notePath(expected.name)} in it`,
    hint: `Report it to repository "${expected.repository}".`,
    facts: { package: expected.id, repository: expected.repository },
    cause,
  });
}
