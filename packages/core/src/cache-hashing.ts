import type { CacheOptions } from '@ict/cache';
import { hasCode, type IctError, type Verifier } from '@ict/plugin-api';
import type { PieceVerifier } from '@ict/verify';

/**
 * Has the files of a cache hashed by a verifier. What the system refuses to read fails with the system's own code (`EIO`), as where the cache reads
 * itself: to it that means work, while `ICT_VERIFY_READ` would end the build.
 */
export function cacheHashing(
  verifier: Pick<Verifier, 'digestFile'> & PieceVerifier,
): Required<Pick<CacheOptions, 'digestFile' | 'pieces'>> {
  return {
    digestFile: (file, algorithm) => plain(verifier.digestFile(file, algorithm)),
    pieces: {
      digestPiecewise: (file) => plain(verifier.digestPiecewise(file)),
      samePieces: (file, pieces) => plain(verifier.samePieces(file, pieces)),
    },
  };
}

async function plain<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (!hasCode(error, 'ICT_VERIFY_READ')) throw error;
    const { message, facts } = error as IctError;
    const { reason: code } = facts;
    throw typeof code === 'string' ? Object.assign(new Error(message, { cause: error }), { code }) : error;
  }
}
