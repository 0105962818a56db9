/** The interface below content-addressed remotes: actions by key and blobs by SHA-256. Knows no results. */

import type { Result } from '../../base/result.js';
import type { RemoteFault } from '../remote-store.js';

export interface BlobPlace {
  /** For people; without credentials. */
  readonly name: string;
  /** Undefined when there is none. */
  getAction(key: string, signal: AbortSignal): Promise<Result<Buffer | undefined, RemoteFault>>;
  /** Never replaces one that is there where the place can promise that, but for `over`; `exists` when it says so. */
  putAction(
    key: string,
    body: Buffer,
    signal: AbortSignal,
    over?: boolean,
  ): Promise<Result<'put' | 'exists', RemoteFault>>;
  hasBlob(hash: string, signal: AbortSignal): Promise<Result<boolean, RemoteFault>>;
  /** Into a file, hashed on the way. `wrong`: what came is not what the hash says. */
  getBlob(
    blob: { readonly hash: string; readonly size: number },
    file: string,
    signal: AbortSignal,
  ): Promise<Result<'got' | 'missing' | 'wrong', RemoteFault>>;
  putBlob(hash: string, content: Buffer, signal: AbortSignal): Promise<Result<undefined, RemoteFault>>;
  close(): Promise<void>;
}
