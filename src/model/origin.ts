/**
 * The origin of results that are built here, from the environment of common CI services. Knows no config files and no
 * processes.
 */

import type { Origin } from './action.js';
import type { OriginKind } from './cache-config.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Variables that are set, and not to `false`, while a pull request or merge request is built. */
const PULL_REQUEST = [
  'CI_MERGE_REQUEST_IID',
  'BUILDKITE_PULL_REQUEST',
  'TRAVIS_PULL_REQUEST',
  'CIRCLE_PULL_REQUEST',
  'CIRCLE_PR_NUMBER',
  'BITBUCKET_PR_ID',
  'CHANGE_ID',
  'DRONE_PULL_REQUEST',
  'SYSTEM_PULLREQUEST_PULLREQUESTID',
];

/** Variables that name the account for which a service builds. */
const ACTOR = [
  'GITHUB_ACTOR',
  'GITLAB_USER_LOGIN',
  'BUILDKITE_BUILD_CREATOR',
  'CIRCLE_USERNAME',
  'BUILD_REQUESTEDFOR',
];

/** `stated` is what the config says; it goes before everything that is found. */
export function findOrigin(env: Environment, stated: OriginKind | undefined): Origin {
  const inCi = isSet(env.CI) || isSet(env.TF_BUILD) || isSet(env.JENKINS_URL);
  const pullRequest =
    PULL_REQUEST.some((name) => isSet(env[name])) || /^pull_request/.test(env.GITHUB_EVENT_NAME ?? '');
  const kind = stated ?? (inCi ? (pullRequest ? 'pull-request' : 'ci') : 'person');
  const name = kind === 'person' ? (env.USER ?? env.USERNAME) : ACTOR.map((one) => env[one]).find(isSet);
  return {
    by: kind === 'person' ? 'person' : 'ci',
    pullRequest: kind === 'pull-request',
    ...(name === undefined || name === '' ? {} : { name }),
  };
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== 'false' && value !== '0';
}
