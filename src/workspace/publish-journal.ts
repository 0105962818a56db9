/** The names of the journals in the state folder. If one exists, a build was killed while it published or committed. */
export const PUBLISH_JOURNAL = 'publish.json';
export const COMMIT_JOURNAL = 'commit.json';
