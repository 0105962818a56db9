/** Signs stored results and checks arriving ones, with the keys in the config. Knows no remote. */

import { type KeyObject, sign, verify } from 'node:crypto';
import { ownValue } from '../base/records/own-value.js';
import { err, ok, type Result } from '../base/result.js';
import { readText } from '../io/files.js';
import { NO_KEYGEN, sshSign, sshVerifyProblem } from '../io/ssh-signature.js';
import type { SignConfig } from '../model/cache-config.js';
import type { Failure } from '../model/failure.js';
import { parsePrivateKey, parsePublicKey } from './ed25519.js';
import type { SignatureCheck, Signer } from './signature.js';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The signer that the config names. Undefined where its variable is not set or its file is not there: only machines
 * that have the key sign. Fails with `usage` when there is a key that cannot be used.
 */
export async function openSigner(
  { keyEnv, keyFile, as }: SignConfig,
  env: Environment,
): Promise<Result<Signer | undefined, Failure>> {
  const path = keyFile?.replace(/^~\//, `${env.HOME ?? ''}/`);
  const fromEnv = ownValue(env, keyEnv);
  const text = fromEnv || (path === undefined ? undefined : await readText(path));
  if (!text) return ok(undefined);
  const key = parsePrivateKey(text);
  if (key) return ok(ed25519Signer(key, as));
  if (path === undefined || fromEnv) {
    return err({
      kind: 'usage',
      message: `the key in ${keyEnv} is not an ed25519 key without a passphrase`,
      hint: 'create one with `ssh-keygen -t ed25519 -N ""`, or use `keyFile` for another kind of key',
    });
  }
  const tried = await sshSign(path, Buffer.from('conductor'), env);
  if ('problem' in tried) {
    return err({
      kind: 'usage',
      message: `the key that signs results cannot be used: ${tried.problem}`,
      hint:
        tried.problem === NO_KEYGEN
          ? 'install OpenSSH, or use an ed25519 key without a passphrase, which needs no program'
          : 'add it to your ssh agent, or name another one in `cache.sign`',
    });
  }
  return ok(sshSigner(path, as, env));
}

function ed25519Signer(key: KeyObject, by: string): Signer {
  return {
    async sign(statement) {
      const value = sign(null, statement, key).toString('base64');
      return ok({ schema: 1, by, kind: 'ed25519', value });
    },
  };
}

function sshSigner(keyFile: string, by: string, env: Environment): Signer {
  return {
    async sign(statement) {
      const signed = await sshSign(keyFile, statement, env);
      // It worked when the build started: since then an agent of ssh has ended, or the key is gone.
      if ('problem' in signed) return err(signed.problem);
      return ok({ schema: 1, by, kind: 'ssh', value: signed.signature });
    },
  };
}

/** `signers`: lines of ssh's `allowed_signers`. */
export function signatureCheck(signers: string, env: Environment): SignatureCheck {
  return {
    async problem(statement, { by, kind, value }) {
      // A name that is a pattern or an option would ask for more than one signer.
      if (!/^[\w.@+-]+$/.test(by)) return 'the name of its signer is not valid';
      if (kind === 'ssh') {
        const problem = await sshVerifyProblem({ signers, by, statement, signature: value }, env);
        return problem && `its signature by ${by} is not valid (${problem})`;
      }
      const keys = keysOf(signers, by);
      if (keys.length === 0) return `${by} is not a trusted signer`;
      const signature = Buffer.from(value, 'base64');
      return keys.some((key) => verify(null, statement, key, signature))
        ? undefined
        : `its signature by ${by} is not valid`;
    },
  };
}

/** The ed25519 keys of one signer. Lines with options that limit a key count only where they name this use. */
function keysOf(signers: string, by: string): KeyObject[] {
  const keys: KeyObject[] = [];
  for (const line of signers.split('\n')) {
    const parts = /^(\S+)\s+(?:(\S+)\s+)?ssh-ed25519\s+(\S+)/.exec(line.trim());
    if (!parts || line.startsWith('#')) continue;
    const [, names, options, key] = parts as unknown as [string, string, string | undefined, string];
    if (!names.replaceAll('"', '').split(',').includes(by)) continue;
    if (options !== undefined && options !== 'namespaces="conductor"') continue;
    const parsed = parsePublicKey(key);
    if (parsed) keys.push(parsed);
  }
  return keys;
}
