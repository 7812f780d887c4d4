import { errnoOf } from '@ict/integrity';

const ATTEMPTS = 8;

/** Runs what makes directories, and again when a hand removes them while they are made. Nobody has anything in them yet. */
export async function againWhenRemoved<T>(make: () => T | Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await make();
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT' || attempt === ATTEMPTS) throw error;
    }
  }
}
