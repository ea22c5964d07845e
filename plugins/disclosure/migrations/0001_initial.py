from tortoise import migrations
from tortoise.migrations import operations as ops
from core.ids import new_id
from plugins.disclosure.terms import DayKind, Masking, NoticeState, ObjectionState, RecordKind
from tortoise.fields.base import OnDelete
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('core', '0001_initial')]

    initial = True

    operations = [
        ops.CreateModel(
            name='Notice',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('version', fields.IntField(default=1)),
                ('event_id', fields.UUIDField()),
                ('area', fields.ForeignKeyField('core.Area', source_field='area_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('kind', fields.CharField(max_length=60)),
                ('subject_tag', fields.CharField(null=True, max_length=60)),
                ('subject_id', fields.UUIDField(null=True)),
                ('organization', fields.ForeignKeyField('core.Actor', source_field='organization_id', null=True, db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('state', fields.CharEnumField(description='NoticeState', enum_type=NoticeState, max_length=40)),
                ('masking', fields.CharEnumField(description='Masking', enum_type=Masking, max_length=40)),
                ('title', fields.CharField(max_length=200)),
                ('title_salt', fields.CharField(null=True, max_length=64)),
                ('body', fields.TextField(unique=False)),
                ('body_salt', fields.CharField(null=True, max_length=64)),
                ('days', fields.IntField()),
                ('day_kind', fields.CharEnumField(description='DayKind', enum_type=DayKind, max_length=40)),
                ('from_day', fields.DateField(null=True)),
                ('last_day', fields.DateField(null=True)),
                ('last_day_is_known', fields.BooleanField(default=True)),
                ('published_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('published_by', fields.ForeignKeyField('core.Actor', source_field='published_by_id', null=True, db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('supersedes', fields.ForeignKeyField('disclosure.Notice', source_field='supersedes_id', null=True, db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('hash', fields.CharField(null=True, max_length=64)),
                ('closed_on', fields.DateField(null=True)),
            ],
            options={'table': 'disclosure_notice', 'app': 'disclosure', 'pk_attr': 'id'},
            bases=['Logged'],
        ),
        ops.CreateModel(
            name='Item',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('version', fields.IntField(default=1)),
                ('event_id', fields.UUIDField()),
                ('area', fields.ForeignKeyField('core.Area', source_field='area_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('notice', fields.ForeignKeyField('disclosure.Notice', source_field='notice_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('position', fields.IntField()),
                ('actor', fields.ForeignKeyField('core.Actor', source_field='actor_id', null=True, db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('text', fields.TextField(unique=False)),
                ('salt', fields.CharField(null=True, max_length=64)),
                ('sealed_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'disclosure_item', 'app': 'disclosure', 'pk_attr': 'id'},
            bases=['Logged'],
        ),
        ops.CreateModel(
            name='Objection',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('version', fields.IntField(default=1)),
                ('event_id', fields.UUIDField()),
                ('area', fields.ForeignKeyField('core.Area', source_field='area_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('notice', fields.ForeignKeyField('disclosure.Notice', source_field='notice_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('by', fields.ForeignKeyField('core.Actor', source_field='by_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('is_confidential', fields.BooleanField()),
                ('state', fields.CharEnumField(description='ObjectionState', enum_type=ObjectionState, max_length=40)),
                ('text', fields.TextField(unique=False)),
                ('text_salt', fields.CharField(null=True, max_length=64)),
                ('filed_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('answer_by', fields.DateField()),
                ('overdue_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('answer', fields.TextField(null=True, unique=False)),
                ('answer_salt', fields.CharField(null=True, max_length=64)),
                ('answered_by_id', fields.UUIDField(null=True)),
                ('answered_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'disclosure_objection', 'app': 'disclosure', 'pk_attr': 'id'},
            bases=['Logged'],
        ),
        ops.CreateModel(
            name='Posting',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('version', fields.IntField(default=1)),
                ('event_id', fields.UUIDField()),
                ('area', fields.ForeignKeyField('core.Area', source_field='area_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('notice', fields.ForeignKeyField('disclosure.Notice', source_field='notice_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('place', fields.CharField(max_length=200)),
                ('evidence', fields.TextField(default='[]', unique=False)),
                ('posted_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('posted_by', fields.ForeignKeyField('core.Actor', source_field='posted_by_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
            ],
            options={'table': 'disclosure_posting', 'app': 'disclosure', 'pk_attr': 'id'},
            bases=['Logged'],
        ),
        ops.CreateModel(
            name='Record',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('version', fields.IntField(default=1)),
                ('event_id', fields.UUIDField()),
                ('area', fields.ForeignKeyField('core.Area', source_field='area_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('notice', fields.ForeignKeyField('disclosure.Notice', source_field='notice_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('objection', fields.ForeignKeyField('disclosure.Objection', source_field='objection_id', null=True, db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('posting', fields.ForeignKeyField('disclosure.Posting', source_field='posting_id', null=True, db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('seq', fields.IntField()),
                ('kind', fields.CharEnumField(description='RecordKind', enum_type=RecordKind, max_length=40)),
                ('prev_hash', fields.CharField(max_length=64)),
                ('hash', fields.CharField(max_length=64)),
                ('body', fields.TextField(unique=False)),
                ('sealed_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'disclosure_record', 'app': 'disclosure', 'pk_attr': 'id'},
            bases=['Logged'],
        ),
    ]
