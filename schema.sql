-- Setpoint's data model, for PostgreSQL 14 or newer. Read it from top to bottom.
--
-- Apply it with `setpoint schema apply` or `psql -v ON_ERROR_STOP=1 -f schema.sql`. Applying it again changes nothing.
-- Names are written ConfigKey and folded by PostgreSQL to configkey: never quote them.

BEGIN;

-- Two programs that apply the schema at once take turns.
DO $$ BEGIN PERFORM pg_advisory_xact_lock(hashtext('setpoint schema')); END $$;


-- One row: which history of revisions this is, and the version of this file that was applied last.
CREATE TABLE IF NOT EXISTS Installation (
    only_one         boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    schema_version   integer NOT NULL,
    -- Revisions of two epochs cannot be compared. A restore from a backup starts a new epoch.
    epoch            uuid NOT NULL DEFAULT gen_random_uuid(),
    -- Rises with every change of accounts and tokens, so that hubs reload them only then.
    access_revision  bigint NOT NULL DEFAULT 0,
    created_at       timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Rises with every change of a review, so that hubs tell of it. (Version 2)
ALTER TABLE Installation ADD COLUMN IF NOT EXISTS review_revision bigint NOT NULL DEFAULT 0;

-- A database of a newer Setpoint is refused rather than bent back.
DO $$
BEGIN
    IF EXISTS (SELECT FROM Installation WHERE schema_version > 2) THEN
        RAISE EXCEPTION 'this database has a newer schema than this file (version 2): use the newer Setpoint';
    END IF;
END $$;

INSERT INTO Installation (schema_version) VALUES (2)
ON CONFLICT (only_one) DO UPDATE SET schema_version = 2 WHERE Installation.schema_version < 2;


-- A person or program that changes things. `changed_by` everywhere is a user_id.
CREATE TABLE IF NOT EXISTS Account (
    user_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        varchar(100) NOT NULL UNIQUE CHECK (name <> ''),
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- What is on record says who did it by the account: another name would put it down to somebody else.
CREATE OR REPLACE FUNCTION setpoint_name_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a user keeps its name: create another user' USING ERRCODE = 'restrict_violation';
END $$;

CREATE OR REPLACE TRIGGER name_stays BEFORE UPDATE OF user_id, name ON Account
    FOR EACH ROW WHEN (NEW.user_id <> OLD.user_id OR NEW.name <> OLD.name) EXECUTE FUNCTION setpoint_name_stays();


-- A bearer token: only its hash is stored. Role and scopes say what it reaches.
CREATE TABLE IF NOT EXISTS Token (
    token_id      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id       bigint NOT NULL REFERENCES Account,
    token_hash    bytea NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
    role          varchar(20) NOT NULL CHECK (role IN ('reader', 'editor', 'approver', 'admin')),
    -- What it reaches: exact names, `team.*`, or `*` for all. There is no default: whoever gives one says it.
    environments  text[] NOT NULL,
    namespaces    text[] NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at    timestamptz,
    revoked_at    timestamptz
);
ALTER TABLE Token ALTER COLUMN environments DROP DEFAULT, ALTER COLUMN namespaces DROP DEFAULT;
-- Who gave it; null for the first one.
ALTER TABLE Token ADD COLUMN IF NOT EXISTS created_by bigint REFERENCES Account;
-- Written at most about once a minute.
ALTER TABLE Token ADD COLUMN IF NOT EXISTS last_used_at timestamptz;

CREATE OR REPLACE FUNCTION setpoint_stays_revoked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the token % stays revoked: give another one', OLD.token_id USING ERRCODE = 'restrict_violation';
END $$;

CREATE OR REPLACE TRIGGER stays_revoked BEFORE UPDATE OF revoked_at ON Token
    FOR EACH ROW WHEN (OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS NULL) EXECUTE FUNCTION setpoint_stays_revoked();


-- An environment and where its log stands.
CREATE TABLE IF NOT EXISTS Environment (
    env                 varchar(20) PRIMARY KEY CHECK (env ~ '^[A-Za-z0-9._/-]+$'),
    -- The number of change sets so far. A writer takes the next one first of all, and with it this row's
    -- lock until its commit: so the order of revisions is the order of commits, and none is ever left out.
    revision            bigint NOT NULL DEFAULT 0 CHECK (revision >= 0),
    -- The hash of the change set at `revision`; empty before the first.
    head_hash           bytea NOT NULL DEFAULT '\x',
    protected           boolean NOT NULL DEFAULT false,
    required_approvals  smallint NOT NULL DEFAULT 0 CHECK (required_approvals BETWEEN 0 AND 10),
    -- Its place in the order of promotion, lowest first.
    position            integer NOT NULL UNIQUE DEFERRABLE INITIALLY DEFERRED,
    created_at          timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE OR REPLACE FUNCTION setpoint_revision_rises_by_one() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.env <> OLD.env OR NEW.revision NOT IN (OLD.revision, OLD.revision + 1) THEN
        RAISE EXCEPTION 'the revision of % rises by one at a time, from % and not to %', OLD.env, OLD.revision, NEW.revision
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER revision_rises_by_one BEFORE UPDATE ON Environment
    FOR EACH ROW EXECUTE FUNCTION setpoint_revision_rises_by_one();

-- A new installation starts with the three that most teams have; they can be added to.
INSERT INTO Environment (env, protected, required_approvals, position)
SELECT * FROM (VALUES ('development', false, 0, 1), ('staging', false, 0, 2), ('production', true, 1, 3)) AS first
WHERE NOT EXISTS (SELECT FROM Environment);


-- A setting: its name, its type, what it is for. It holds in every environment; its values are ConfigVersions.
CREATE TABLE IF NOT EXISTS ConfigKey (
    key_id       uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    namespace    varchar(100) NOT NULL CHECK (namespace ~ '^[A-Za-z0-9._/-]+$'),
    key          varchar(200) NOT NULL CHECK (key ~ '^[A-Za-z0-9._/-]+$'),
    value_type   varchar(20) NOT NULL CHECK (value_type IN ('string', 'int', 'float', 'bool', 'json')),
    description  text NOT NULL DEFAULT '',
    owner        varchar(100) NOT NULL DEFAULT '',
    tags         text[] NOT NULL DEFAULT '{}',
    -- Null when the database's owner added the key by hand.
    created_by   bigint REFERENCES Account,
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Also serves listing in order of name.
    UNIQUE (namespace, key)
);

-- A JSON Schema that every new value keeps, as canonical JSON text; null: the type is enough.
ALTER TABLE ConfigKey ADD COLUMN IF NOT EXISTS constraints text CHECK (octet_length(constraints) <= 16384);
-- Whether its values are stored encrypted and shown masked.
ALTER TABLE ConfigKey ADD COLUMN IF NOT EXISTS secret boolean NOT NULL DEFAULT false;

COMMENT ON TABLE ConfigKey IS 'A setting: its name and type, the same in every environment';

CREATE OR REPLACE FUNCTION setpoint_type_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a key keeps its name, its type and whether it is secret: create another key' USING ERRCODE = 'check_violation';
END $$;

CREATE OR REPLACE TRIGGER type_stays BEFORE UPDATE OF key_id, namespace, key, value_type, secret ON ConfigKey
    FOR EACH ROW EXECUTE FUNCTION setpoint_type_stays();


-- One value that a key had, has, or may have again in one environment.
CREATE TABLE IF NOT EXISTS ConfigVersion (
    version_id   uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    key_id       uuid NOT NULL REFERENCES ConfigKey,
    -- Canonical JSON text, for every type: 5, 0.25, true, "text", {"rps":50}.
    value        text NOT NULL CHECK (octet_length(value) <= 65536),
    env          varchar(20) NOT NULL REFERENCES Environment,
    is_active    boolean NOT NULL,
    changed_by   bigint NOT NULL REFERENCES Account,
    change_note  text NOT NULL DEFAULT '' CHECK (char_length(change_note) <= 2000),
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- So that a change can name key, environment and version together, and never a version of another key.
    UNIQUE (version_id, key_id, env)
);

-- A secret's value is sealed: encrypted under a key of its own (AES-256-GCM, bound to version, key and environment), which
-- is stored here encrypted under a master key that the database never sees. Null for what is no secret.
ALTER TABLE ConfigVersion ADD COLUMN IF NOT EXISTS wrapped_key bytea CHECK (octet_length(wrapped_key) = 60);
-- Which master key: the beginning of its SHA-256, in hexadecimal.
ALTER TABLE ConfigVersion ADD COLUMN IF NOT EXISTS master_key varchar(16) CHECK (master_key ~ '^[0-9a-f]{16}$');

COMMENT ON TABLE ConfigVersion IS 'Every value that ever was; is_active marks the one that holds';

-- At most one active version per key and environment, whoever writes. Serves loading an environment.
-- It is checked row by row: a writer deactivates the old version before it adds the new one.
CREATE UNIQUE INDEX IF NOT EXISTS one_active_version ON ConfigVersion (env, key_id) WHERE is_active;

-- A value fits its key's type, whoever writes it. Numbers stay within 64 bits; jsonb refuses NaN and NUL.
CREATE OR REPLACE FUNCTION setpoint_value_fits(value_type text, value text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE value_type
        WHEN 'string' THEN jsonb_typeof(value::jsonb) = 'string'
        WHEN 'bool'   THEN value IN ('true', 'false')
        WHEN 'int'    THEN value ~ '^(0|-?[1-9][0-9]{0,18})$'
                           AND value::numeric BETWEEN -9223372036854775808 AND 9223372036854775807
        WHEN 'float'  THEN jsonb_typeof(value::jsonb) = 'number' AND abs(value::numeric) < 1.8e308
        WHEN 'json'   THEN NOT jsonb_path_exists(value::jsonb, 'strict $.** ? (@ > 1.8e308 || @ < -1.8e308)')
                           -- At most 32 levels of arrays and objects.
                           AND NOT jsonb_path_exists(value::jsonb,
                                   'strict $.**{32 to last} ? (@.type() == "array" || @.type() == "object")')
        ELSE false
    END
$$;

-- What a sealed value looks like: the ciphertext, and a keyed digest that tells equal values from different ones.
CREATE OR REPLACE FUNCTION setpoint_is_sealed(value text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT value ~ '^\{"ciphertext":"[A-Za-z0-9+/]{40,}={0,2}","fingerprint":"[0-9a-f]{8}"\}$'
$$;

-- What a stored value is compared by, and may be shown as: itself, or the mark that stands for a secret.
CREATE OR REPLACE FUNCTION setpoint_shown(value text, secret boolean) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN secret
        THEN '{"secret":true,"fingerprint":"' || substring(value FROM '"fingerprint":"([0-9a-f]{8})"') || '"}'
        ELSE value
    END
$$;

CREATE OR REPLACE FUNCTION setpoint_check_value() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    expected text;
    is_secret boolean;
BEGIN
    SELECT value_type, secret INTO expected, is_secret FROM ConfigKey WHERE key_id = NEW.key_id;
    -- Whoever writes: what is secret is never stored in the clear.
    IF is_secret THEN
        IF NOT setpoint_is_sealed(NEW.value) OR NEW.wrapped_key IS NULL OR NEW.master_key IS NULL THEN
            RAISE EXCEPTION 'the value of a secret key is stored sealed' USING ERRCODE = 'check_violation';
        END IF;
    ELSIF NEW.wrapped_key IS NOT NULL OR NEW.master_key IS NOT NULL THEN
        RAISE EXCEPTION 'only the values of secret keys are sealed' USING ERRCODE = 'check_violation';
    ELSIF expected IS NOT NULL AND setpoint_value_fits(expected, NEW.value) IS NOT TRUE THEN
        RAISE EXCEPTION 'the value does not fit the key''s type, %', expected USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER value_fits BEFORE INSERT ON ConfigVersion
    FOR EACH ROW EXECUTE FUNCTION setpoint_check_value();

-- A new master key takes over by wrapping the data key anew; what it opens stays as it is.
CREATE OR REPLACE FUNCTION setpoint_only_rewrapped() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.wrapped_key IS NULL OR NEW.wrapped_key IS NULL OR NEW.master_key IS NULL OR NEW.master_key = OLD.master_key THEN
        RAISE EXCEPTION 'a data key is wrapped anew under another master key, and otherwise stays'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER only_rewrapped BEFORE UPDATE OF wrapped_key, master_key ON ConfigVersion
    FOR EACH ROW EXECUTE FUNCTION setpoint_only_rewrapped();

-- Serves looking for the master keys in use, and rotation.
CREATE INDEX IF NOT EXISTS versions_of_master_key ON ConfigVersion (master_key) WHERE master_key IS NOT NULL;


-- One row, once a hub has had a master key.
CREATE TABLE IF NOT EXISTS SecretKeyring (
    only_one         boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    -- The master key that new secrets are wrapped under, whatever others a hub has: rotation changes it.
    master_key       varchar(16) NOT NULL CHECK (master_key ~ '^[0-9a-f]{16}$'),
    -- The key of the fingerprints, wrapped under it. It stays over rotations, so that fingerprints stay comparable.
    fingerprint_key  bytea NOT NULL CHECK (octet_length(fingerprint_key) = 60)
);


-- One change of one environment, applied whole: who, when, why, how.
CREATE TABLE IF NOT EXISTS ChangeSet (
    change_set_id  uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    env            varchar(20) NOT NULL REFERENCES Environment,
    revision       bigint NOT NULL CHECK (revision > 0),
    -- 'set', 'rollback', 'rollback of 41', 'review 88', 'break glass: set', 'expiry of r43', …
    how            varchar(100) NOT NULL CHECK (how <> ''),
    changed_by     bigint NOT NULL REFERENCES Account,
    token_id       uuid NOT NULL REFERENCES Token,
    note           text NOT NULL DEFAULT '' CHECK (char_length(note) <= 2000),
    -- Taken under the environment's lock, so it does not fall while the clock does not.
    created_at     timestamptz NOT NULL,
    -- The caller's id, or the hub's own: a second commit of the same request is refused.
    request_id     uuid NOT NULL UNIQUE,
    -- SHA-256 of what was asked: the same id for another request is a mistake, and told.
    request_hash   bytea NOT NULL CHECK (octet_length(request_hash) = 32),
    -- SHA-256 over this change set, its changes and the hash before it: an edit of history breaks the chain.
    previous_hash  bytea NOT NULL,
    hash           bytea NOT NULL CHECK (octet_length(hash) = 32),
    -- One change set per revision. Serves reading the log after a revision.
    UNIQUE (env, revision)
);

-- From where: the client's address as the hub saw it, and what its tool calls itself; empty for the hub's own work.
-- (Version 2)
ALTER TABLE ChangeSet ADD COLUMN IF NOT EXISTS from_address varchar(64) NOT NULL DEFAULT '';
ALTER TABLE ChangeSet ADD COLUMN IF NOT EXISTS from_tool varchar(200) NOT NULL DEFAULT '';
-- What the hash is made of: 1 as version 1 wrote it; 2 also covers from where, and digests in the place of values.
ALTER TABLE ChangeSet ADD COLUMN IF NOT EXISTS hash_form smallint NOT NULL DEFAULT 1 CHECK (hash_form IN (1, 2));

-- Serves the audit log, newest first.
CREATE INDEX IF NOT EXISTS change_sets_by_time ON ChangeSet (created_at);

COMMENT ON TABLE ChangeSet IS 'The log: one row per revision of an environment';


-- What a change set did to one key.
CREATE TABLE IF NOT EXISTS Change (
    env                  varchar(20) NOT NULL,
    revision             bigint NOT NULL,
    key_id               uuid NOT NULL REFERENCES ConfigKey,
    -- The version active from here on; null: the key has no value any more.
    version_id           uuid,
    -- The version active until here; null: the key had no value.
    previous_version_id  uuid,
    PRIMARY KEY (env, revision, key_id),
    FOREIGN KEY (env, revision) REFERENCES ChangeSet (env, revision),
    FOREIGN KEY (version_id, key_id, env) REFERENCES ConfigVersion (version_id, key_id, env),
    FOREIGN KEY (previous_version_id, key_id, env) REFERENCES ConfigVersion (version_id, key_id, env),
    CHECK (version_id IS DISTINCT FROM previous_version_id)
);

-- Serves an environment as of a past revision, its deleted keys, and the history of one key.
CREATE INDEX IF NOT EXISTS changes_of_key ON Change (env, key_id, revision DESC);


-- What happened and is no change set: a refused attempt, a token given, a secret revealed, … Never a value. (Version 2)
CREATE TABLE IF NOT EXISTS AuditEvent (
    -- One chain for the whole installation.
    sequence       bigint PRIMARY KEY CHECK (sequence > 0),
    -- 'environment.create', 'token.revoke', 'refused', …
    kind           varchar(50) NOT NULL CHECK (kind ~ '^[a-z_]+(\.[a-z_]+)*$'),
    created_at     timestamptz NOT NULL,
    -- Null when nobody is known: a token that is none, or the hub itself.
    user_id        bigint REFERENCES Account,
    token_id       uuid REFERENCES Token,
    from_address   varchar(64) NOT NULL DEFAULT '',
    from_tool      varchar(200) NOT NULL DEFAULT '',
    -- What it is about, as far as that has a name; of a refused attempt, what was asked for, whether it exists or not.
    env            varchar(100),
    namespace      varchar(100),
    key            varchar(200),
    -- What else there is to say: a small JSON object of names, versions, numbers and reasons, as canonical text.
    about          text NOT NULL CHECK (jsonb_typeof(about::jsonb) = 'object' AND octet_length(about) <= 16384),
    -- SHA-256 over this event and the hash before it.
    previous_hash  bytea NOT NULL,
    hash           bytea NOT NULL CHECK (octet_length(hash) = 32)
);

COMMENT ON TABLE AuditEvent IS 'What happened beside the changes of values; with ChangeSet it is the audit';

-- Serves the audit log, newest first.
CREATE INDEX IF NOT EXISTS events_by_time ON AuditEvent (created_at);

-- Where the chain of events stands. Taken last in a transaction, so that nothing is waited for while it is held.
CREATE TABLE IF NOT EXISTS AuditHead (
    only_one  boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    sequence  bigint NOT NULL DEFAULT 0 CHECK (sequence >= 0),
    hash      bytea NOT NULL DEFAULT '\x'
);

INSERT INTO AuditHead DEFAULT VALUES ON CONFLICT DO NOTHING;

CREATE OR REPLACE FUNCTION setpoint_sequence_rises_by_one() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.sequence NOT IN (OLD.sequence, OLD.sequence + 1) THEN
        RAISE EXCEPTION 'the events are numbered one after the other, from % and not to %', OLD.sequence, NEW.sequence
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER sequence_rises_by_one BEFORE UPDATE ON AuditHead
    FOR EACH ROW EXECUTE FUNCTION setpoint_sequence_rises_by_one();


-- What happened stays: versions, change sets, changes and events are added and never altered or removed.
CREATE OR REPLACE FUNCTION setpoint_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;

-- Which of a key's versions holds may change; what a version says may not.
CREATE OR REPLACE TRIGGER append_only BEFORE DELETE
    OR UPDATE OF version_id, key_id, value, env, changed_by, change_note, created_at ON ConfigVersion
    FOR EACH ROW EXECUTE FUNCTION setpoint_append_only();
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON ChangeSet
    FOR EACH ROW EXECUTE FUNCTION setpoint_append_only();
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON Change
    FOR EACH ROW EXECUTE FUNCTION setpoint_append_only();
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON AuditEvent
    FOR EACH ROW EXECUTE FUNCTION setpoint_append_only();
CREATE OR REPLACE TRIGGER append_only BEFORE DELETE ON AuditHead
    FOR EACH ROW EXECUTE FUNCTION setpoint_append_only();

-- A row's trigger does not see TRUNCATE.
CREATE OR REPLACE TRIGGER no_truncate BEFORE TRUNCATE ON ConfigVersion
    FOR EACH STATEMENT EXECUTE FUNCTION setpoint_append_only();
CREATE OR REPLACE TRIGGER no_truncate BEFORE TRUNCATE ON ChangeSet
    FOR EACH STATEMENT EXECUTE FUNCTION setpoint_append_only();
CREATE OR REPLACE TRIGGER no_truncate BEFORE TRUNCATE ON Change
    FOR EACH STATEMENT EXECUTE FUNCTION setpoint_append_only();
CREATE OR REPLACE TRIGGER no_truncate BEFORE TRUNCATE ON AuditEvent
    FOR EACH STATEMENT EXECUTE FUNCTION setpoint_append_only();
CREATE OR REPLACE TRIGGER no_truncate BEFORE TRUNCATE ON AuditHead
    FOR EACH STATEMENT EXECUTE FUNCTION setpoint_append_only();

-- Without it, the fingerprints of before could not be compared with those to come.
CREATE OR REPLACE TRIGGER no_delete BEFORE DELETE ON SecretKeyring
    FOR EACH ROW EXECUTE FUNCTION setpoint_append_only();
CREATE OR REPLACE TRIGGER no_truncate BEFORE TRUNCATE ON SecretKeyring
    FOR EACH STATEMENT EXECUTE FUNCTION setpoint_append_only();

-- Nor is the installation's identity taken away. (An environment with a history is kept by its references.)
CREATE OR REPLACE TRIGGER no_delete BEFORE DELETE ON Installation
    FOR EACH ROW EXECUTE FUNCTION setpoint_append_only();
CREATE OR REPLACE TRIGGER no_truncate BEFORE TRUNCATE ON Installation
    FOR EACH STATEMENT EXECUTE FUNCTION setpoint_append_only();


-- A change that waits for others' consent: what a write to a protected environment becomes. (Version 2)
CREATE TABLE IF NOT EXISTS Review (
    review_id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    env               varchar(20) NOT NULL REFERENCES Environment,
    -- What was asked for: 'set', 'rollback of 41', …
    how               varchar(100) NOT NULL CHECK (how <> ''),
    author            bigint NOT NULL REFERENCES Account,
    token_id          uuid NOT NULL REFERENCES Token,
    reason            text NOT NULL CHECK (reason <> '' AND char_length(reason) <= 2000),
    ticket            varchar(200) NOT NULL DEFAULT '',
    created_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- As of a change set: the same request again finds the same review.
    request_id        uuid NOT NULL UNIQUE,
    request_hash      bytea NOT NULL CHECK (octet_length(request_hash) = 32),
    -- The revision of which it takes back what it did, when that was the newest: then one approval is enough.
    undoes            bigint,
    -- Once applied, the change takes itself back after so many seconds, or unless it is confirmed within them.
    expires_in        double precision CHECK (expires_in > 0),
    confirm_within    double precision CHECK (confirm_within > 0),

    -- The environment's revision that the bases of its edits were read at.
    base_revision     bigint NOT NULL,
    -- SHA-256 of edits and bases: an approval holds for the diff that it was given to, and for no other.
    diff_hash         bytea NOT NULL CHECK (octet_length(diff_hash) = 32),
    -- What was looked at when the bases were read: a list of {name, ok, detail}.
    checks            jsonb NOT NULL CHECK (jsonb_typeof(checks) = 'array'),
    state             varchar(20) NOT NULL DEFAULT 'open'
                      CHECK (state IN ('open', 'applied', 'rejected', 'withdrawn')),
    applied_revision  bigint,
    -- When a hub is to apply it, and on whose account.
    apply_at          timestamptz,
    scheduled_by      bigint REFERENCES Account,
    scheduled_token   uuid REFERENCES Token,
    -- The installation's review_revision at its last change.
    touched           bigint NOT NULL,

    CHECK ((state = 'applied') = (applied_revision IS NOT NULL)),
    CHECK ((apply_at IS NULL) = (scheduled_by IS NULL) AND (apply_at IS NULL) = (scheduled_token IS NULL)),
    -- A change set comes from one review.
    UNIQUE (env, applied_revision),
    FOREIGN KEY (env, applied_revision) REFERENCES ChangeSet (env, revision)
);

COMMENT ON TABLE Review IS 'A change of a protected environment that waits for approval';

-- Serves what hubs tell their followers, and finding what is due.
CREATE INDEX IF NOT EXISTS reviews_touched ON Review (touched);
CREATE INDEX IF NOT EXISTS reviews_scheduled ON Review (apply_at) WHERE state = 'open' AND apply_at IS NOT NULL;

CREATE OR REPLACE FUNCTION setpoint_review_settles_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'open' THEN
        RAISE EXCEPTION 'review % is % already', OLD.review_id, OLD.state USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER settles_once BEFORE UPDATE OF state, diff_hash, base_revision, applied_revision, apply_at ON Review
    FOR EACH ROW EXECUTE FUNCTION setpoint_review_settles_once();


-- What a review will do to one key, and what it found there.
CREATE TABLE IF NOT EXISTS ReviewEdit (
    review_id        bigint NOT NULL REFERENCES Review,
    key_id           uuid NOT NULL REFERENCES ConfigKey,
    -- The version that will be active; null: the key will have no value.
    version_id       uuid,
    -- Its value; a version that is new is added with it under that very id.
    value            text CHECK (octet_length(value) <= 65536),
    -- Of a secret that is new: as in ConfigVersion. It is sealed for the version that it will be.
    wrapped_key      bytea CHECK (octet_length(wrapped_key) = 60),
    master_key       text,
    is_new           boolean NOT NULL,
    -- The version that was active when the base was read; null: no value.
    base_version_id  uuid,
    PRIMARY KEY (review_id, key_id),
    CHECK ((version_id IS NULL) = (value IS NULL))
);

-- Serves looking for the master keys in use, and rotation.
CREATE INDEX IF NOT EXISTS edits_of_master_key ON ReviewEdit (master_key) WHERE master_key IS NOT NULL;

CREATE OR REPLACE TRIGGER only_rewrapped BEFORE UPDATE OF wrapped_key, master_key ON ReviewEdit
    FOR EACH ROW EXECUTE FUNCTION setpoint_only_rewrapped();
CREATE OR REPLACE TRIGGER value_fits BEFORE INSERT ON ReviewEdit
    FOR EACH ROW WHEN (NEW.is_new AND NEW.value IS NOT NULL) EXECUTE FUNCTION setpoint_check_value();


-- What people said and did about a review, in their order.
CREATE TABLE IF NOT EXISTS ReviewDecision (
    decision_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    review_id    bigint NOT NULL REFERENCES Review,
    kind         varchar(20) NOT NULL CHECK (kind IN ('approve', 'reject', 'comment', 'withdraw', 'rebase',
                                                      'schedule', 'stop', 'apply')),
    decided_by   bigint NOT NULL REFERENCES Account,
    token_id     uuid NOT NULL REFERENCES Token,
    decided_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    text         text NOT NULL DEFAULT '' CHECK (char_length(text) <= 2000),
    -- The diff that it was said about; of a rebase, the new one.
    diff_hash    bytea NOT NULL CHECK (octet_length(diff_hash) = 32)
);

CREATE INDEX IF NOT EXISTS decisions_of_review ON ReviewDecision (review_id, decision_id);

-- One token approves one diff once, and people count. (Nobody's own: the hub refuses it, and does not count it.)
DROP INDEX IF EXISTS one_approval;
CREATE UNIQUE INDEX IF NOT EXISTS one_approval_of_token ON ReviewDecision (review_id, token_id, diff_hash) WHERE kind = 'approve';

-- What was proposed and decided stays; only where a review stands changes, and what its edits are based on.
CREATE OR REPLACE TRIGGER append_only BEFORE DELETE
    OR UPDATE OF review_id, env, how, author, token_id, reason, ticket, created_at, request_id, request_hash, undoes,
                 expires_in, confirm_within ON Review
    FOR EACH ROW EXECUTE FUNCTION setpoint_append_only();
CREATE OR REPLACE TRIGGER append_only BEFORE DELETE OR UPDATE OF review_id, key_id, version_id, value, is_new ON ReviewEdit
    FOR EACH ROW EXECUTE FUNCTION setpoint_append_only();
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON ReviewDecision
    FOR EACH ROW EXECUTE FUNCTION setpoint_append_only();
CREATE OR REPLACE TRIGGER no_truncate BEFORE TRUNCATE ON Review
    FOR EACH STATEMENT EXECUTE FUNCTION setpoint_append_only();
CREATE OR REPLACE TRIGGER no_truncate BEFORE TRUNCATE ON ReviewEdit
    FOR EACH STATEMENT EXECUTE FUNCTION setpoint_append_only();
CREATE OR REPLACE TRIGGER no_truncate BEFORE TRUNCATE ON ReviewDecision
    FOR EACH STATEMENT EXECUTE FUNCTION setpoint_append_only();


-- A change set that takes itself back: at a time, or unless it is confirmed by then. (Version 2)
CREATE TABLE IF NOT EXISTS Deadline (
    env         varchar(20) NOT NULL,
    revision    bigint NOT NULL,
    kind        varchar(20) NOT NULL CHECK (kind IN ('expiry', 'confirmation')),
    due_at      timestamptz NOT NULL,
    settled_at  timestamptz,
    -- Taken back by a change set, confirmed by a person, or left because every key of it had changed since.
    outcome     varchar(20) CHECK (outcome IN ('reverted', 'confirmed', 'left')),
    PRIMARY KEY (env, revision, kind),
    FOREIGN KEY (env, revision) REFERENCES ChangeSet (env, revision),
    CHECK ((settled_at IS NULL) = (outcome IS NULL))
);

-- Serves finding what is due, also after every hub was down.
CREATE INDEX IF NOT EXISTS deadlines_due ON Deadline (due_at) WHERE settled_at IS NULL;


-- An instance of a service and what it runs, by its own word. Hubs write it in batches.
CREATE TABLE IF NOT EXISTS ConfigWatch (
    client_id        varchar(100) PRIMARY KEY,
    namespaces       text[] NOT NULL,
    -- Refreshed when the instance says something new, and otherwise about twice a minute.
    last_seen        timestamptz NOT NULL,
    -- The revision of `env` that the instance runs.
    current_version  bigint NOT NULL,
    env              varchar(20) NOT NULL REFERENCES Environment,
    service          varchar(100) NOT NULL,
    -- The epoch that current_version belongs to.
    epoch            uuid NOT NULL,
    status           varchar(20) NOT NULL CHECK (status IN ('applied', 'refused')),
    error            text,
    source           varchar(20) NOT NULL CHECK (source IN ('push', 'poll', 'disk')),
    sdk              varchar(100) NOT NULL DEFAULT '',
    -- What else the instance says of itself, such as its region: a JSON object of texts.
    labels           jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(labels) = 'object'),
    -- Milliseconds from the commit of current_version to its being visible in the instance, where it told.
    applied_ms       double precision,
    -- The hub that the instance talks to, since when, whether a connection is open now, and when it said goodbye.
    hub_id           uuid NOT NULL,
    connected_at     timestamptz NOT NULL,
    connected        boolean NOT NULL,
    left_at          timestamptz
);

-- By whose token it connected; null for what an earlier version wrote.
ALTER TABLE ConfigWatch ADD COLUMN IF NOT EXISTS user_id bigint REFERENCES Account;

COMMENT ON TABLE ConfigWatch IS 'What each instance says it runs; a receipt joins it with a change set';

-- Serves receipts and the fleet of one environment.
CREATE INDEX IF NOT EXISTS watches_of_env ON ConfigWatch (env, last_seen);


-- What a hub may do. It connects as a user that is a member of this role and owns nothing, so that no error of the hub,
-- and nobody who gets hold of its connection, rewrites history; who owns the tables, or is superuser, could. (Version 2)
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'setpoint_hub') THEN
        CREATE ROLE setpoint_hub NOLOGIN;
    END IF;
EXCEPTION
    -- Roles belong to the whole server: another database may be making it this moment.
    WHEN duplicate_object OR unique_violation THEN NULL;
    WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'the role setpoint_hub is missing and % may not create it: have it made by CREATE ROLE setpoint_hub NOLOGIN, then apply this again', current_user
            USING ERRCODE = 'insufficient_privilege';
END $$;

DO $$ BEGIN EXECUTE format('GRANT USAGE ON SCHEMA %I TO setpoint_hub', current_schema()); END $$;

-- From nothing each time: what an earlier version allowed does not linger.
REVOKE ALL ON Installation, Account, Token, Environment, ConfigKey, ConfigVersion, SecretKeyring, ChangeSet, Change,
    AuditEvent, AuditHead, ConfigWatch, Review, ReviewEdit, ReviewDecision, Deadline FROM setpoint_hub;

GRANT SELECT ON Installation, Account, Token, Environment, ConfigKey, ConfigVersion, SecretKeyring, ChangeSet, Change,
    AuditEvent, AuditHead, ConfigWatch, Review, ReviewEdit, ReviewDecision, Deadline TO setpoint_hub;

-- Added to, and nothing else.
GRANT INSERT ON Account, ChangeSet, Change, AuditEvent, ReviewDecision TO setpoint_hub;
-- Added to, and these columns change.
GRANT INSERT, UPDATE (is_active, wrapped_key, master_key) ON ConfigVersion TO setpoint_hub;
GRANT INSERT, UPDATE (revision, head_hash, protected, required_approvals, position) ON Environment TO setpoint_hub;
GRANT INSERT, UPDATE (description, owner, tags, constraints) ON ConfigKey TO setpoint_hub;
GRANT INSERT, UPDATE (master_key, fingerprint_key) ON SecretKeyring TO setpoint_hub;
GRANT INSERT, UPDATE (state, applied_revision, apply_at, scheduled_by, scheduled_token, base_revision, diff_hash, checks, touched)
    ON Review TO setpoint_hub;
GRANT INSERT, UPDATE (base_version_id, wrapped_key, master_key) ON ReviewEdit TO setpoint_hub;
GRANT INSERT, UPDATE (settled_at, outcome) ON Deadline TO setpoint_hub;
GRANT INSERT, UPDATE (revoked_at, last_used_at) ON Token TO setpoint_hub;
GRANT UPDATE (epoch, access_revision, review_revision) ON Installation TO setpoint_hub;
GRANT UPDATE (sequence, hash) ON AuditHead TO setpoint_hub;
-- What instances say of themselves is no history.
GRANT INSERT, UPDATE, DELETE ON ConfigWatch TO setpoint_hub;

COMMIT;
