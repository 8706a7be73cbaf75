-- Version 16: acts stand in audit.db (engine.store.audit_file). A row here is written in the transaction of its act and
-- is moved over once that is committed, so that neither is there without the other. What the former table had goes too.
CREATE TABLE acts_due (number BIGINT NOT NULL, entry VARCHAR NOT NULL, body VARCHAR NOT NULL);

INSERT INTO acts_due
    WITH seen AS (
        SELECT audit_id, list(DISTINCT s.patient_id ORDER BY s.patient_id) AS patients
        FROM (SELECT audit_id, unnest(returned) AS study_id FROM audit) JOIN studies s USING (study_id) GROUP BY audit_id)
    SELECT audit_id, 'former-' || audit_id, to_json({
        'entry': 'former-' || audit_id, 'number': audit_id, 'who': who, 'kind': kind,
        'time': strftime(created_at, '%Y-%m-%dT%H:%M:%S.%f') || '+00:00',
        'query_id': query_id, 'code': code, 'returned': returned, 'release': release, 'filters': filters,
        'refused': refused, 'outcome': CASE WHEN refused IS NULL OR who = 'casebind' THEN 'done' ELSE 'refused' END,
        'patients': CASE WHEN kind LIKE 'consent % for %' THEN [regexp_extract(kind, ' for (.*)$', 1)]
            ELSE seen.patients END})::VARCHAR
    FROM audit LEFT JOIN seen USING (audit_id) ORDER BY audit_id;
DROP TABLE audit;
