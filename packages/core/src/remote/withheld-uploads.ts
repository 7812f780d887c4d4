import type { Context } from '@ict/plugin-api';
import type { Uploads } from './upload-queue.js';

/** Sends nothing of a build that knows secrets, as its results may hold them; where something would have been sent, a warning says so. */
export class WithheldUploads implements Uploads {
  private readonly emit: Context['emit'];
  private results = 0;

  constructor(emit: Context['emit']) {
    this.emit = emit;
  }

  add(): void {
    this.results++;
  }

  async send(): Promise<void> {
    if (this.results === 0) return;
    this.results = 0;
    this.emit({
      type: 'warning',
      code: 'ICT_REMOTE_CACHE_SECRET',
      message: 'Nothing of this build is uploaded to the remote cache: its template holds a secret, and so may results',
      hint: 'Secrets are variables that are declared secret, and passwords of users, hashed ones too: keep them out of the template if others are to have its results.',
    });
  }
}
