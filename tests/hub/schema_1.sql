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

-- A database of a newer Setpoint is refused rather than bent back.
DO $$
BEGIN
    IF EXISTS (SELECT FROM Installation WHERE schema_version > 1) THEN
        RAISE EXCEPTION 'this database has a newer schema than this file (version 1): use the newer Setpoint';
    END IF;
END $$;

INSERT INTO Installation (schema_version) VALUES (1)
ON CONFLICT (only_one) DO UPDATE SET schema_version = 1 WHERE Installation.schema_version < 1;


-- A person or program that changes things. `changed_by` everywhere is a user_id.
CREATE TABLE IF NOT EXISTS Account (
    user_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        varchar(100) NOT NULL UNIQUE CHECK (name <> ''),
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);


-- A bearer token: only its hash is stored. Role and scopes say what it reaches.
CREATE TABLE IF NOT EXISTS Token (
    token_id      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id       bigint NOT NULL REFERENCES Account,
    token_hash    bytea NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
    role          varchar(20) NOT NULL CHECK (role IN ('reader', 'editor', 'approver', 'admin')),
    environments  text[] NOT NULL DEFAULT '{*}',
    namespaces    text[] NOT NULL DEFAULT '{*}',
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at    timestamptz,
    revoked_at    timestamptz
);


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

COMMENT ON TABLE ConfigKey IS 'A setting: its name and type, the same in every environment';

CREATE OR REPLACE FUNCTION setpoint_type_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a key keeps its name and its type: create another key' USING ERRCODE = 'check_violation';
END $$;

CREATE OR REPLACE TRIGGER type_stays BEFORE UPDATE OF key_id, namespace, key, value_type ON ConfigKey
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

CREATE OR REPLACE FUNCTION setpoint_check_value() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    expected text := (SELECT value_type FROM ConfigKey WHERE key_id = NEW.key_id);
BEGIN
    IF expected IS NOT NULL AND setpoint_value_fits(expected, NEW.value) IS NOT TRUE THEN
        RAISE EXCEPTION 'the value does not fit the key''s type, %', expected USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER value_fits BEFORE INSERT ON ConfigVersion
    FOR EACH ROW EXECUTE FUNCTION setpoint_check_value();


-- One change of one environment, applied whole: who, when, why, how.
CREATE TABLE IF NOT EXISTS ChangeSet (
    change_set_id  uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    env            varchar(20) NOT NULL REFERENCES Environment,
    revision       bigint NOT NULL CHECK (revision > 0),
    -- 'set', 'rollback', 'rollback of 41', …
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


-- What happened stays: versions, change sets and changes are added and never altered or removed.
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

-- A row's trigger does not see TRUNCATE.
CREATE OR REPLACE TRIGGER no_truncate BEFORE TRUNCATE ON ConfigVersion
    FOR EACH STATEMENT EXECUTE FUNCTION setpoint_append_only();
CREATE OR REPLACE TRIGGER no_truncate BEFORE TRUNCATE ON ChangeSet
    FOR EACH STATEMENT EXECUTE FUNCTION setpoint_append_only();
CREATE OR REPLACE TRIGGER no_truncate BEFORE TRUNCATE ON Change
    FOR EACH STATEMENT EXECUTE FUNCTION setpoint_append_only();

-- Nor is the installation's identity taken away. (An environment with a history is kept by its references.)
CREATE OR REPLACE TRIGGER no_delete BEFORE DELETE ON Installation
    FOR EACH ROW EXECUTE FUNCTION setpoint_append_only();
CREATE OR REPLACE TRIGGER no_truncate BEFORE TRUNCATE ON Installation
    FOR EACH STATEMENT EXECUTE FUNCTION setpoint_append_only();


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

COMMENT ON TABLE ConfigWatch IS 'What each instance says it runs; a receipt joins it with a change set';

-- Serves receipts and the fleet of one environment.
CREATE INDEX IF NOT EXISTS watches_of_env ON ConfigWatch (env, last_seen);

COMMIT;
